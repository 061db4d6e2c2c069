import { safeText } from '@urna/contracts/csv-cell'

export interface MadeCode {
  readonly id: string
  readonly label: string
  readonly code: string
}

/** `0123-4567-89ab-cdef-ghjk-mnpq-rs`: in groups for the eye. */
export function grouped(code: string): string {
  return (plain(code).match(/.{1,4}/g) ?? []).join('-')
}

function plain(code: string): string {
  return code.replace(/[\s-]/g, '')
}

/** The personal link. What stands behind the # is sent to no server. */
export function linkOf(origin: string, pollId: string, code: string): string {
  return `${origin}/p/${pollId}#code=${plain(code)}`
}

/** As a file for mail merge: label, code, link. No label runs as a formula in a spreadsheet. */
export function codesCsv(codes: readonly MadeCode[], origin: string, pollId: string): string {
  const rows = codes.map(({ label, code }) => [safeText(label), grouped(code), linkOf(origin, pollId, code)])
  return `\uFEFF${[['label', 'code', 'link'], ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')}`
}

function cell(text: string): string {
  return /[",;\r\n\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
