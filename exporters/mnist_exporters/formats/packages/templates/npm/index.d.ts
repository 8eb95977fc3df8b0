/** The answer for a picture. */
export interface Answer {
  /** Name of the class; null without one. */
  label: string | null;
  /** Why there is no label: no ink, more closed strokes than a digit has, or a confidence below the model's threshold. */
  reason: "blank" | "scribble" | "unsure" | null;
  /** The best score, 0..1. */
  confidence: number;
  /** Score of each class, 0..1, in the order of `labels`; empty if there is nothing to classify. */
  scores: number[];
  labels: string[];
}

export interface Model {
  labels: string[];
  height: number;
  width: number;
  /** 1 for gray, 3 for red, green and blue. */
  channels: 1 | 3;
  preparation: "mnist" | "plain";
  /** Facts about the model, and its proof. */
  manifest: Record<string, unknown>;
  /**
   * Classify a picture of at most 640 x 640 pixels, row by row, with `channels` bytes for each pixel: gray, or red, green
   * and blue without alpha. Throws a RangeError for another size, a TypeError for anything but bytes.
   */
  classify(bytes: Uint8Array | Uint8ClampedArray, width: number, height: number): Answer & {
    /** The image that the model got. */
    prepared: Uint8Array;
    height: number;
    width: number;
  };
  /** Classify an image of the model's size, bytes 0..255. Throws as `classify` does. */
  classifyImage(pixels: Uint8Array | Uint8ClampedArray): Answer;
  /** The integers of the last image's scores. */
  integers(): Uint8Array | Int16Array;
  /** The test vectors: images and the integers of their scores. */
  golden(): { image: Uint8Array; scores: Uint8Array | Int16Array }[];
  /** Classify the test vectors; return 0 if all scores are right, else the number of the first that is not. */
  selfTest(): number;
}

/** Load the model: the module of this package, or the bytes that are given. */
export function load(bytes?: BufferSource): Promise<Model>;
