import { readFileSync } from 'node:fs'
import { originsOf } from './nginx.ts'
import { jobVariables, type Place } from './urna-processes.ts'

/** What a person reads into a shell, to look into the servers and to run jobs by hand. */
export function shellVariables(place: Place, loadBalancerPort: number): string {
  const { folder, ports } = place
  const secret = (name: 'redisPassword' | 'databasePassword' | 'adminToken') => readFileSync(folder.secretFile(name), 'utf8')
  const { ADMIN_TOKEN_FILE: _, ...jobs } = jobVariables(place)
  const variables: Record<string, string> = {
    ...jobs,
    URNA: originsOf(loadBalancerPort)[0] ?? '',
    ADMIN_TOKEN: secret('adminToken'),
    REDIS_PORT: String(ports.redis),
    REDISCLI_AUTH: secret('redisPassword'),
    MYSQL_PWD: secret('databasePassword'),
  }
  return [
    '# For a terminal of its own:  . data/cluster/env.sh   Secrets are in it.',
    ...Object.entries(variables).map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`),
    '',
  ].join('\n')
}
