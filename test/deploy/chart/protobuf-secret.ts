/** How Helm sends the Secrets in which it keeps its records: not as JSON. Numbers of fields: k8s.io/api/core/v1/generated.proto. */

const magic = 'k8s\0'

export function isProtobuf(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, magic.length) === magic
}

/** A Secret as JSON would have it; of its metadata what Helm asks for. */
export function secretOf(bytes: Buffer): Record<string, unknown> {
  const [raw] = fields(bytes.subarray(magic.length)).get(2) ?? []
  const secret = fields(raw ?? Buffer.alloc(0))
  const metadata = fields(secret.get(1)?.[0] ?? Buffer.alloc(0))
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: text(metadata.get(1)), namespace: text(metadata.get(3)), labels: map(metadata.get(11), 'utf8') },
    type: text(secret.get(3)),
    data: map(secret.get(2), 'base64'),
  }
}

/** The fields of a message that hold bytes; of numbers only the length is read. */
function fields(bytes: Buffer): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>()
  let at = 0
  const varint = () => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes.readUInt8(at++)
      value += (byte % 128) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const [field, kind] = [Math.floor(key / 8), key % 8]
    if (kind === 0) varint()
    else if (kind === 2) {
      const length = varint()
      found.set(field, [...(found.get(field) ?? []), bytes.subarray(at, at + length)])
      at += length
    } else throw new Error(`a field of kind ${kind} is not expected here`)
  }
  return found
}

function text(values: readonly Buffer[] | undefined): string {
  return values?.[0]?.toString() ?? ''
}

function map(entries: readonly Buffer[] | undefined, encoding: 'utf8' | 'base64'): Record<string, string> {
  return Object.fromEntries(
    (entries ?? []).map((entry) => {
      const pair = fields(entry)
      return [text(pair.get(1)), pair.get(2)?.[0]?.toString(encoding) ?? '']
    }),
  )
}
