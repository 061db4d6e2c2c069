import type { Wiring } from './options.ts'

export interface ClusterRow {
  readonly name: string
  /** Null: it does not run. */
  readonly pid: number | null
  readonly port: number
}

export interface ClusterFacts {
  readonly folder: string
  readonly loadBalancer: string
  readonly pages: string
  /** In the load balancer's list. */
  readonly apis: readonly string[]
  readonly wiring: Wiring
}

/** What runs where, what it is, and what a person can try with it. */
export function clusterTable(rows: readonly ClusterRow[], facts: ClusterFacts): string {
  const { folder, loadBalancer, pages } = facts
  const process_ = (name: string) => pidOf(rows.find((row) => row.name === name))
  const cells = [
    ['address', 'process', 'what it is', 'what to try'],
    [pages, `nginx ${process_('nginx')}`, 'the pages', 'open it in a browser, and vote'],
    [loadBalancer, `nginx ${process_('nginx')}`, 'the load balancer, in front of all apis', `curl ${loadBalancer}/v1/polls`],
    ...inOrder(rows).map((row) => cellsOf(row, facts)),
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  const lines = cells.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd())
  return [
    '',
    ...lines,
    '',
    '  In another terminal:',
    '    make cluster DO=status                 this table again; more: make cluster DO=help',
    `    . ${inShell(`${folder}/env.sh`)}`.padEnd(42).concat(' variables for curl, redis-cli, mariadb and the jobs'),
    `  Logs: ${folder}/logs   CSV: ${folder}/exports   Experiments: docs/cluster.md`,
    ...(facts.wiring === 'replica' ? ['  CLUSTER_WIRING=replica: the apis and the CSV loop know only the replica.'] : []),
    '  Ctrl-C ends all of it; everything that was accepted stays.',
    '',
  ].join('\n')
}

function cellsOf(row: ClusterRow, { apis, folder }: ClusterFacts): string[] {
  const { name, port } = row
  const own = `http://127.0.0.1:${port}`
  const process_ = `${name} ${pidOf(row)}`
  switch (name.replace(/-\d+$/, '')) {
    case 'primary':
      return [`127.0.0.1:${port}`, process_, 'the database that takes writes', `mariadb -h 127.0.0.1 -P ${port} -u urna voteapp`]
    case 'replica':
      return [`127.0.0.1:${port}`, process_, 'its copy, only read', 'make cluster DO="stop replica"']
    case 'redis':
      return [`127.0.0.1:${port}`, process_, 'the ballot queue', `redis-cli -p ${port} info stats`]
    case 'api':
      return [own, process_, `takes ballots${apis.includes(name) ? '' : ' (gets no requests)'}`, `curl ${own}/readyz`]
    case 'consumer':
      return [own, process_, 'counts ballots', `make cluster DO="kill ${name}"`]
    default:
      return [own, process_, 'writes results as CSV every minute', `ls ${inShell(`${folder}/exports`)}`]
  }
}

/** That of a ballot's way. */
const order = ['api', 'redis', 'consumer', 'primary', 'replica', 'csv']

function inOrder(rows: readonly ClusterRow[]): ClusterRow[] {
  return order.flatMap((group) =>
    rows
      .filter(({ name }) => name.replace(/-\d+$/, '') === group)
      .sort((left, right) => left.name.localeCompare(right.name, 'en', { numeric: true })),
  )
}

function pidOf(row: ClusterRow | undefined): string {
  return row?.pid === null || row === undefined ? '(does not run)' : String(row.pid)
}

function inShell(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
