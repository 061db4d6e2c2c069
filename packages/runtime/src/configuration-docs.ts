import { type Setting, serverSettingNames, settings } from './config-table.ts'

const rows = Object.values<Setting<unknown, string | null>>(settings)

/** The content of docs/configuration.md. */
export function configurationPage(): string {
  const table = rows.map((row) => {
    const names = row.secret === true ? `\`${row.name}\`<br>\`${row.name}_FILE\`` : `\`${row.name}\``
    const standard = row.default === null ? 'none' : `\`${row.default}\``
    const purpose = row.test === true ? `For tests. ${row.description}` : row.description
    return `| ${[names, standard, purpose, row.kind.expected, row.usedBy.join(', ')].map(cell).join(' | ')} |`
  })
  return `# Configuration

<!-- Written by \`make docs\` from packages/runtime/src/config-table.ts. Change it there. -->

Settings are environment variables. A file \`.env\` in the working directory is read too; a variable that is set wins over it.
An empty value is the same as none. All mistakes are reported together when a process starts, and it does not start with one.

A secret may also be given as \`NAME_FILE\`, the path of a file that holds it; giving both is a mistake. Secrets are never shown or logged.

| setting | default | what it does | expected | used by |
|---|---|---|---|---|
${table.join('\n')}

Nothing has a default password. Nothing needs to be set: \`make start\` works with an empty environment.

## Settings this size refuses

Urna in one process keeps and counts ballots in SQLite files under \`DATA_DIR\`. So that nobody believes that ballots go to a server that is
never asked, it does not start while one of these is set: ${serverSettingNames.map((name) => `\`${name}\``).join(', ')}.

Kubernetes sets \`REDIS_PORT=tcp://...\` and the like by itself where a service has such a name: put \`enableServiceLinks: false\` into the pod.
`
}

/** The content of .env.example: every line is a comment, so that copying it changes nothing. */
export function envExample(): string {
  const blocks = rows
    .filter((row) => row.test !== true)
    .map((row) => {
      const lines = [...wrapped(row.description), ...wrapped(`Expected: ${row.kind.expected}.`)].map((line) => `# ${line}`)
      lines.push(`#${row.name}=${row.default ?? ''}`)
      if (row.secret === true) lines.push(`#${row.name}_FILE=`)
      return lines.join('\n')
    })
  return `# Copy to .env and uncomment what you change. Written by \`make docs\` from packages/runtime/src/config-table.ts.

${blocks.join('\n\n')}
`
}

/** A table ends a cell at a bar, and takes asterisks for emphasis. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/(?<!`)\*(?![^`]*`)/g, '\\*')
}

const lineLengthMax = 110

function wrapped(text: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.replaceAll('`', '').split(' ')) {
    if (line !== '' && line.length + 1 + word.length > lineLengthMax) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
