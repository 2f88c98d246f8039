/** Puts `text` in the place of some octets; all others stay as they are. */
export function splice(octets: Buffer, start: number, end: number, text: Buffer): Buffer {
  return Buffer.concat([octets.subarray(0, start), text, octets.subarray(end)])
}
