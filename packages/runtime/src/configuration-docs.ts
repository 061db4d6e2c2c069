import { misnamedSettings, settings } from './config-table.ts'
import { type AnySetting, namesOf, type ProcessName, processes, processNames, type SettingGroup, settingGroups } from './setting.ts'

const rows = Object.values<AnySetting>(settings)
const groups = Object.entries(settingGroups) as [SettingGroup, string][]

/** Said once at the head of a group. */
const groupTexts: Partial<Record<SettingGroup, string>> = {
  secrets: `With a database server \`MASTER_KEY\` must be given to api, consumer and \`jobs migrate\`, which stores its fingerprint: another key is refused
from then on. \`jobs export-csv\` and \`jobs recount\` need no key. \`ADMIN_TOKEN\` and \`ADMIN_PASSWORD\` are best given where nobody sees the terminal of the
migration, as in a cluster.`,
  database: `The names of older systems are read too; two names with different values are a mistake.`,
  queue: `Set \`REDIS_HOST\` for Redis, or \`AWS_REGION\` (or any other setting of SQS) for SQS; where both are set, \`QUEUE\` says which one it is.`,
  exports: `Standalone writes them at these times by itself. With a database server jobs do: \`jobs export-csv\` writes one.`,
}

/** The content of docs/configuration.md. */
export function configurationPage(): string {
  return `# Configuration

<!-- Written by \`make docs\` from packages/runtime/src/config-table.ts and server-settings.ts. Change it there. -->

Settings are environment variables. A file \`.env\` in the working directory is read too; a variable that is set wins over it.
An empty value is the same as none. All mistakes are reported together when a process starts, and it does not start with one.

A secret may also be given as \`NAME_FILE\`, the path of a file that holds it; giving both is a mistake. Secrets are never shown or logged.
Nothing has a default password. Nothing needs to be set: \`make start\` works with an empty environment.

## Processes

| process | what it is | does not start without | refuses | port |
|---|---|---|---|---|
${processNames.map(processRow).join('\n')}

One process without servers, or many processes with servers: standalone does not start with a setting of a server, so that nobody believes
that ballots go to a server which is never asked; api and consumer do not start without one, because a file belongs to one process. Where
such a setting is there for another program, \`QUEUE=embedded\` says that Redis and SQS are not meant.

Kubernetes sets \`REDIS_PORT=tcp://...\`, \`DB_PORT=tcp://...\` and the like by itself where a service has such a name: put
\`enableServiceLinks: false\` into the pod, or name the service otherwise.

Nobody reads ${Object.entries(misnamedSettings)
    .map(([name, right]) => `\`${name}\` (here: ${right})`)
    .join(' and ')}; a process in whose environment one of them is set does not start.
${groups.map(groupSection).join('')}`
}

function processRow(name: ProcessName): string {
  const { is, needs, refuses } = processes[name]
  const needed = needs.map((need) => (need === 'QUEUE' ? 'and `REDIS_HOST` or SQS' : `\`${need}\``)).join(', ')
  const jobs = name === 'jobs' ? 'nothing; with `DB_HOST`: `DB_USER`, `DB_PASSWORD`, and `MASTER_KEY` for `migrate`' : 'nothing'
  return `| ${[name, is, needed === '' ? jobs : needed, refuses, `\`${standardOf(settings.port, name)}\``].map(cell).join(' | ')} |`
}

function groupSection([group, title]: [SettingGroup, string]): string {
  const text = groupTexts[group]
  return `
## ${title}
${text === undefined ? '' : `\n${text}\n`}
| setting | default | what it does | expected | used by |
|---|---|---|---|---|
${rowsOf(group).map(settingRow).join('\n')}
`
}

function rowsOf(group: SettingGroup): AnySetting[] {
  return rows.filter((row) => row.group === group)
}

function settingRow(row: AnySetting): string {
  const forms = namesOf(row).flatMap((name) => (row.secret === true ? [name, `${name}_FILE`] : [name]))
  const purpose = row.test === true ? `For tests. ${row.description}` : row.description
  return `| ${[forms.map((name) => `\`${name}\``).join('<br>'), defaultText(row), purpose, row.kind.expected, usersOf(row)].map(cell).join(' | ')} |`
}

function usersOf({ usedBy }: AnySetting): string {
  return processNames.filter((name) => usedBy.includes(name)).join(', ')
}

function standardOf(row: AnySetting, process: ProcessName): string | null {
  return row.defaultFor?.[process] ?? row.default
}

function defaultText(row: AnySetting): string {
  if (row.defaultNote !== undefined) return row.defaultNote
  if (row.default === null) return 'none'
  const others = Object.entries(row.defaultFor ?? {}).map(([process, text]) => `, ${process} \`${text}\``)
  return `\`${row.default}\`${others.join('')}`
}

/** The content of .env.example: every line is a comment, so that copying it changes nothing. */
export function envExample(): string {
  const sections = groups.map(([group, title]) => {
    const blocks = rowsOf(group)
      .filter((row) => row.test !== true)
      .map(exampleBlock)
    return [`# ${'-'.repeat(8)} ${title} ${'-'.repeat(8)}`, ...blocks].join('\n\n')
  })
  return `# Copy to .env and uncomment what you change. Written by \`make docs\` from packages/runtime/src/config-table.ts and server-settings.ts.

${sections.join('\n\n')}
`
}

/** A value only where writing it says nothing more than leaving it out: a setting of a server says that there is one. */
function exampleBlock(row: AnySetting): string {
  const isServer = row.group === 'database' || row.group === 'redis' || row.group === 'sqs'
  const value = isServer || row.defaultFor !== undefined ? '' : (row.default ?? '')
  const sentences = [
    row.description,
    `Expected: ${row.kind.expected}.`,
    ...(value === '' && defaultText(row) !== 'none' ? [`Default: ${defaultText(row)}.`] : []),
    `Used by ${usersOf(row)}.`,
    ...(row.alsoNamed === undefined ? [] : [`Also read as ${row.alsoNamed.join(', ')}.`]),
  ]
  const lines = [...wrapped(sentences[0] ?? ''), ...wrapped(sentences.slice(1).join(' '))].map((line) => `# ${line}`)
  return [...lines, `#${row.name}=${value}`, ...(row.secret === true ? [`#${row.name}_FILE=`] : [])].join('\n')
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
