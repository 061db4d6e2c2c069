const gtidPattern = /^\s*(\d+)-(\d+)-(\d+)\s*$/

/** A position of MariaDB: for each domain the newest sequence number. `0-1-42,1-7-3` reads domain, server, sequence. */
export function parsePosition(text: string): Map<number, bigint> {
  const position = new Map<number, bigint>()
  for (const gtid of text.split(',')) {
    const [, domain, , sequence] = gtidPattern.exec(gtid) ?? []
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

/**
 * The GTIDs of `logged` that are newer than `applied` and were not written by the server `exceptServer`: a replica's own commits, which
 * stand in its binary log only, if that log is `logged` and its primary `exceptServer`.
 */
export function commitsBeyond(applied: string, logged: string, exceptServer: number): string[] {
  const has = parsePosition(applied)
  return logged.split(',').flatMap((gtid) => {
    const [, domain, server, sequence] = gtidPattern.exec(gtid) ?? []
    if (domain === undefined || sequence === undefined || Number(server) === exceptServer) return []
    return BigInt(sequence) > (has.get(Number(domain)) ?? 0n) ? [gtid.trim()] : []
  })
}

/** Whether a binary log whose state (the newest GTID of each server in each domain) is `state` has what `position` names. */
export function includesEachServer(state: string, position: string): boolean {
  const gtidsOf = (text: string) =>
    text.split(',').flatMap((gtid) => {
      const [, domain, server, sequence] = gtidPattern.exec(gtid) ?? []
      return sequence === undefined ? [] : [{ writer: `${domain}-${server}`, sequence: BigInt(sequence) }]
    })
  const logged = new Map(gtidsOf(state).map(({ writer, sequence }) => [writer, sequence]))
  return gtidsOf(position).every(({ writer, sequence }) => (logged.get(writer) ?? 0n) >= sequence)
}
