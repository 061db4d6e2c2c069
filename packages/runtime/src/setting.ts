import type { Kind } from './setting-kinds.ts'

export const processNames = ['standalone', 'api', 'consumer', 'jobs'] as const
export type ProcessName = (typeof processNames)[number]

/** What each process is, and which settings it does not start without. */
export const processes = {
  standalone: { is: 'everything in one process, on SQLite', needs: [], refuses: 'settings of servers' },
  api: {
    is: 'takes ballots, shows results and pages',
    needs: ['DB_HOST', 'DB_USER', 'DB_PASSWORD', 'MASTER_KEY', 'QUEUE'],
    refuses: '`QUEUE=embedded`',
  },
  consumer: {
    is: 'counts ballots; run as many as you like',
    needs: ['DB_HOST', 'DB_USER', 'DB_PASSWORD', 'MASTER_KEY', 'QUEUE'],
    refuses: '`QUEUE=embedded`',
  },
  jobs: {
    is: 'migrates, exports, recounts, beside either size',
    needs: [],
    refuses: 'a ballot queue on a server without DB_HOST',
  },
} as const satisfies Record<ProcessName, { is: string; needs: readonly string[]; refuses: string }>

/** What settings are for, in the order in which they are documented. */
export const settingGroups = {
  data: 'Where data is kept',
  web: 'Pages and api',
  secrets: 'Secrets',
  database: 'Database server',
  queue: 'Ballot queue',
  redis: 'Redis',
  sqs: 'SQS',
  counting: 'Counting',
  results: 'Results',
  exports: 'Exports',
  running: 'Starting and logs',
} as const
export type SettingGroup = keyof typeof settingGroups

export interface Setting<Value, Default extends string | null, UsedBy extends ProcessName> {
  readonly name: string
  /** Other names under which it is read too. Two names with two values are a fault. */
  readonly alsoNamed?: readonly string[]
  readonly group: SettingGroup
  readonly kind: Kind<Value>
  /** As somebody would write it; null: there is none, and the value is null when nothing is set. */
  readonly default: Default
  /** Where a process has another one. */
  readonly defaultFor?: Partial<Record<ProcessName, string>>
  /** What the documentation says where the default depends on other settings. */
  readonly defaultNote?: string
  /** Never shown, and may be given as `<name>_FILE`, the path of a file that holds it. */
  readonly secret?: true
  /** Only for tests: not in .env.example. */
  readonly test?: true
  readonly description: string
  /** Other processes do not read it at all. */
  readonly usedBy: readonly UsedBy[]
}

export type AnySetting = Setting<unknown, string | null, ProcessName>

export function setting<Value, const Default extends string | null, UsedBy extends ProcessName>(
  row: Setting<Value, Default, UsedBy>,
): Setting<Value, Default, UsedBy> {
  return row
}

export function namesOf({ name, alsoNamed = [] }: Pick<AnySetting, 'name' | 'alsoNamed'>): readonly string[] {
  return [name, ...alsoNamed]
}
