"use strict";
// The engine of the page: it sends the picture to the server. The token is in the address of the page, after #token=.
const engine = ENGINE_FACTS;
engine.classify = async (bytes, width, height) => {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  const head = new TextEncoder().encode(`${engine.channels === 1 ? "P5" : "P6"} ${width} ${height} 255\n`);
  let reply;
  try {
    reply = await fetch(`classify?prepared=true&top_k=${engine.labels.length}`, {
      method: "POST",
      body: new Blob([head, bytes]),
      headers: token ? { Authorization: `Bearer ${token}` } : {},
    });
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  const found = await reply.json();
  if (reply.status === 401) throw new Error("Open the address that the server printed, with #token= at its end.");
  if (!reply.ok) throw new Error(found.error);
  const scores = new Map(found.top.map(each => [each.label, each.score]));
  const { height: rows, width: columns, base64 } = found.prepared || engine;
  return {
    label: found.label,
    reason: found.reason,
    confidence: found.confidence,
    labels: engine.labels,
    scores: found.top.length ? engine.labels.map(label => scores.get(label)) : [],
    prepared: base64 ? Uint8Array.from(atob(base64), sign => sign.charCodeAt(0)) : new Uint8Array(rows * columns * engine.channels),
    height: rows,
    width: columns,
  };
};
startPage(engine);
