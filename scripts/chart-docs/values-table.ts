import { parse } from 'yaml'

interface Row {
  readonly path: string
  readonly value: unknown
  readonly comment: string
}

/**
 * The tables of values for the chart's README, one for each part of values.yaml. A comment stands above the key that it speaks of; one with
 * an empty line below it speaks of the file.
 */
export function valuesTables(text: string): string {
  const parts = new Map<string, Row[]>()
  for (const row of rowsOf(text)) {
    const [part = ''] = row.path.split('.', 1)
    parts.set(part, [...(parts.get(part) ?? []), row])
  }
  return [...parts].map(([part, rows]) => table(part, rows)).join('\n')
}

function table(part: string, rows: readonly Row[]): string {
  return `### ${part}

| value | default | what it does |
|---|---|---|
${rows.map(({ path, value, comment }) => `| \`${path}\` | \`${JSON.stringify(value)}\` | ${cell(comment)} |`).join('\n')}
`
}

/** A row for each value that is not itself a block of values. */
function rowsOf(text: string): Row[] {
  const values = parse(text) as unknown
  const rows: Row[] = []
  const place: { indent: number; key: string }[] = []
  let comment: string[] = []
  for (const line of text.split('\n')) {
    const [, words] = /^\s*# ?(.*)$/.exec(line) ?? []
    if (words !== undefined) {
      comment.push(words)
      continue
    }
    const [, spaces, key, rest] = /^( *)([A-Za-z][\w]*):(.*)$/.exec(line) ?? []
    if (spaces !== undefined && key !== undefined) {
      while ((place.at(-1)?.indent ?? -1) >= spaces.length) place.pop()
      place.push({ indent: spaces.length, key })
      const path = place.map((step) => step.key)
      const value = path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], values)
      if (rest?.trim() !== '' || Array.isArray(value)) rows.push({ path: path.join('.'), value, comment: comment.join(' ') })
    }
    comment = []
  }
  return rows
}

/** A table ends a cell at a bar. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

const begin = '<!-- Values: written by `make chart-docs` from values.yaml. Change them there. -->'
const end = '<!-- End of the values -->'

/** The README with its tables made anew; everything around them stays. */
export function readmeWithValues(readme: string, values: string): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`README.md of the chart: the lines\n${begin}\n${end}\nare not there`)
  return `${readme.slice(0, from)}${begin}\n\n${valuesTables(values)}\n${readme.slice(to)}`
}
