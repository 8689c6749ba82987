/** As much of protocol buffers' wire format as the questions to a runtime take: strings, booleans and messages by number. */

/** The fields of one message in their order; what is no string or message (numbers) comes as its value. */
export type ProtoField = { number: number } & ({ bytes: Buffer } | { value: number });

/** @throws when the bytes are cut off or no message. */
export function readMessage(bytes: Buffer): ProtoField[] {
  const fields: ProtoField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1, count = 0; count < 10; count++, shift *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      // Beyond 2^53 only the magnitude is kept: nothing that is asked for is that large.
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
    throw new Error('the message is cut off');
  };
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw new Error('the message is cut off');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number === 0) throw new Error('it is no message');
    switch (tag % 8) {
      case 0:
        fields.push({ number, value: varint() });
        break;
      case 1:
        take(8);
        break;
      case 2:
        fields.push({ number, bytes: take(varint()) });
        break;
      case 5:
        take(4);
        break;
      default:
        throw new Error('it is no message');
    }
  }
  return fields;
}

/** All fields of a number that hold a message. */
export function messagesOf(fields: readonly ProtoField[], number: number): ProtoField[][] {
  return fields.flatMap((field) => (field.number === number && 'bytes' in field ? [readMessage(field.bytes)] : []));
}

/** The last field of a number as text; empty when there is none, as everywhere in this format. */
export function textOf(fields: readonly ProtoField[], number: number): string {
  const field = fields.findLast((candidate) => candidate.number === number);
  return field && 'bytes' in field ? field.bytes.toString('utf8') : '';
}

export function flagOf(fields: readonly ProtoField[], number: number): boolean {
  const field = fields.findLast((candidate) => candidate.number === number);
  return field !== undefined && 'value' in field && field.value !== 0;
}
