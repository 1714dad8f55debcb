/** The id that stands for "none": sixteen zero bytes. */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA';

/** Characters of a uuid in Kafka's text form (URL-safe base64 without padding). */
export const uuidTextLength = 22;

/** Bytes of a uuid on the wire. */
export const uuidBytes = 16;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The six bits of each character of the alphabet; 0xff for all others. */
const sextets = new Uint8Array(128).fill(0xff);
for (const [value, character] of [...alphabet].entries()) {
  sextets[character.charCodeAt(0)] = value;
}

const scratch = Buffer.alloc(uuidBytes);

/** Whether the text is a uuid in Kafka's text form, exactly as it would be printed. */
export function isUuid(value: string): boolean {
  return writeUuid(scratch, 0, value);
}

/** Writes the 16 bytes of a uuid; false (and the bytes undefined) when the text is none. */
export function writeUuid(buffer: Buffer, at: number, value: string): boolean {
  if (value.length !== uuidTextLength) return false;
  let bits = 0;
  let width = 0;
  for (let index = 0; index < uuidTextLength; index += 1) {
    const sextet = sextets[value.charCodeAt(index)] ?? 0xff;
    if (sextet === 0xff) return false;
    bits = ((bits << 6) | sextet) & 0xffff;
    width += 6;
    if (width >= 8) {
      width -= 8;
      buffer[at] = bits >> width;
      at += 1;
    }
  }
  // 22 characters carry four bits more than 16 bytes: in the printed form they are zero.
  return (bits & 0xf) === 0;
}

/** The uuid at this place of a frame, in Kafka's text form. */
export function readUuid(frame: Buffer, at: number): string {
  for (let index = at; index < at + uuidBytes; index += 1) {
    if (frame[index] !== 0) return frame.toString('base64url', at, at + uuidBytes);
  }
  return zeroUuid;
}
