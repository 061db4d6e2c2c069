import { isIPv6 } from 'node:net'

const mappedIpv4 = /^::ffff:(?<high>[0-9a-f]{1,4}):(?<low>[0-9a-f]{1,4})$/

/**
 * What counts as one address: an IPv4 address; of IPv6 its first 64 bits, for every household has as many addresses as it likes behind them.
 * An IPv4 address in IPv6 form is the IPv4 address.
 */
export function networkOf(address: string): string {
  // Without the zone: the name of a network card here.
  const [plain = ''] = address.split('%', 1)
  if (!isIPv6(plain)) return address
  // The shortest form, in lower case.
  const text = new URL(`http://[${plain}]`).hostname.slice(1, -1)
  const { high, low } = mappedIpv4.exec(text)?.groups ?? {}
  if (high !== undefined && low !== undefined) {
    return [high, low].flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255]).join('.')
  }
  const [left = '', right = ''] = text.split('::')
  const before = left === '' ? [] : left.split(':')
  const after = right === '' ? [] : right.split(':')
  const groups = text.includes('::') ? [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after] : before
  return `${groups.slice(0, 4).join(':')}::/64`
}
