/** A position of MariaDB: for each domain the newest sequence number. `0-1-42,1-7-3` reads domain, server, sequence. */
export function parsePosition(text: string): Map<number, bigint> {
  const position = new Map<number, bigint>()
  for (const gtid of text.split(',')) {
    const [, domain, sequence] = /^\s*(\d+)-\d+-(\d+)\s*$/.exec(gtid) ?? []
    if (domain === undefined || sequence === undefined) continue
    const known = position.get(Number(domain)) ?? 0n
    position.set(Number(domain), BigInt(sequence) > known ? BigInt(sequence) : known)
  }
  return position
}

/** Whether who is at `applied` has everything up to `position`. */
export function includesPosition(applied: string, position: string): boolean {
  const has = parsePosition(applied)
  return [...parsePosition(position)].every(([domain, sequence]) => (has.get(domain) ?? 0n) >= sequence)
}
