/** Between (c,h,w) and the order of values that a file takes. */

export function toNhwc(values: Float32Array, channels: number): Float32Array<ArrayBuffer> {
  const plane = values.length / channels;
  const result = new Float32Array(values.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < plane; i++) result[i * channels + channel] = values[channel * plane + i];
  }
  return result;
}

export function fromNhwc(values: Float32Array, channels: number): Float32Array<ArrayBuffer> {
  const plane = values.length / channels;
  const result = new Float32Array(values.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < plane; i++) result[channel * plane + i] = values[i * channels + channel];
  }
  return result;
}
