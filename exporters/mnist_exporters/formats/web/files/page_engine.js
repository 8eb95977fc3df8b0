"use strict";
(async () => {
  const bytes = Uint8Array.from(atob(document.getElementById("wasm").textContent), letter => letter.charCodeAt(0));
  try {
    const engine = await loadEngine(bytes), examples = engine.golden();
    window.engine = engine;
    startPage({
      ...engine,
      facts: JSON.parse(document.getElementById("model").textContent),
      examples: examples.map(({ image }) => ({ bytes: image, width: engine.width, height: engine.height })),
      async selfTest() {
        const wrong = engine.selfTest();
        return wrong
          ? `test image ${wrong} gives other scores in this browser than in the proof. Do not trust the answers.`
          : `the ${examples.length} test images give the same integers in this browser as in the proof`;
      },
    });
  } catch (error) {
    document.getElementById("answer").textContent = "This browser cannot run the model";
    document.getElementById("detail").textContent = error.message;
  }
})();
