import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

const windowMs = 10_000
const tailBytesMax = 8_000_000

/** Who answered requests lately, by the load balancer's log. */
export function trafficTable(logPath: string, apis: readonly { readonly name: string; readonly address: string }[]): string {
  const sinceMs = Date.now() - windowMs
  const answered = tailOf(logPath)
    .split('\n')
    .filter((line) => Date.parse(line.slice(0, line.indexOf(' '))) >= sinceMs)
    // Of several the last one answered; `-`: the load balancer itself.
    .map((line) => / api=(?:[^=]*, )?(\S+) said=/.exec(line)?.[1])
  const countOf = (wanted: string) => answered.filter((address) => address === wanted).length
  const nobody = answered.filter((address) => address !== '-' && apis.every((api) => api.address !== address)).length
  const rows: [string, number, string][] = [
    ...apis.map(({ name, address }): [string, number, string] => [name, countOf(address), '']),
    ['load balancer', countOf('-'), 'what it keeps for a second'],
    ['others', nobody, 'by apis that are gone by now, or by none'],
  ]
  return [
    'Requests of the last 10 seconds, by who answered them:',
    ...rows
      .filter(([, count, note]) => count > 0 || note === '')
      .map(([name, count, note]) => `  ${name.padEnd(14)} ${String(count).padStart(7)}   ${note}`.trimEnd()),
  ].join('\n')
}

function tailOf(path: string): string {
  if (!existsSync(path)) return ''
  const descriptor = openSync(path, 'r')
  try {
    const { size } = fstatSync(descriptor)
    const bytes = Buffer.alloc(Math.min(size, tailBytesMax))
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, bytes.length, size - bytes.length))
  } finally {
    closeSync(descriptor)
  }
}
