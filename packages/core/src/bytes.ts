/** Bytes as a Buffer that shares their memory, so that nothing is copied on the way of a ballot. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Order of two byte strings, as every database of ours orders BINARY and BLOB columns: <0, 0 or >0. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right)
}

export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  return compareBytes(left, right) === 0
}

/** A text that is equal exactly where the bytes are: a key for maps. */
export function bytesKey(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}
