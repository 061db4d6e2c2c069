import type { Primary, Replica } from '@urna/database'

/** Kysely's own plugin, as far as it is needed: the test folder has no dependency of its own on it. */
interface Plugin {
  transformQuery(input: { node: unknown; queryId: unknown }): never
  transformResult<Result>(input: { result: Result }): Promise<Result>
}

/** A connection that tells what it was asked, and that can be as if its server were away. */
export class RecordedDatabase<Database extends Primary | Replica> {
  readonly database: Database
  readonly statements: string[] = []
  isAway = false

  constructor(database: Database) {
    const executor = database.db.getExecutor()
    const plugin: Plugin = {
      transformQuery: ({ node, queryId }) => {
        if (this.isAway) throw Object.assign(new Error('the connection is gone'), { code: 'URNA_CONNECTION_LOST' })
        this.statements.push(executor.compileQuery(node as never, queryId as never).sql)
        return node as never
      },
      transformResult: async ({ result }) => result,
    }
    this.database = { ...database, db: database.db.withPlugin(plugin) }
  }

  /** The tables that were asked or changed, each once; then forgets them. What copies of polls ask by themselves every second is left out. */
  takeTables(): string[] {
    const statements = this.statements.splice(0).filter((sql) => !/^select "poll_id", "revision" from "polls"/.test(sql))
    const tables = statements.map((sql) => /(?:from|into|update) "(\w+)"/.exec(sql)?.[1] ?? sql)
    return [...new Set(tables)].sort()
  }
}
