import { describe, expect, it } from 'vitest'
import { addressOfHealth, listIn } from './container-health.ts'

function asked(commandLine: string, environment: Record<string, string> = {}, ready = false): string | null {
  return addressOfHealth({ words: commandLine.split(' '), environment }, { ready })
}

describe('which address says how a container is', () => {
  it.each([
    ['node --conditions=urna:built /app/apps/api/dist/main.js', 'http://127.0.0.1:8080/healthz'],
    ['node --conditions=urna:built /app/apps/standalone/dist/main.js', 'http://127.0.0.1:8080/healthz'],
    ['node --conditions=urna:built /app/apps/consumer/dist/main.js', 'http://127.0.0.1:8082/healthz'],
    ['node --conditions=urna:built /app/apps/jobs/dist/main.js export-csv --every', 'http://127.0.0.1:8083/healthz'],
    ['node --watch --watch-preserve-output /app/apps/consumer/src/main.ts', 'http://127.0.0.1:8082/healthz'],
    // An init of the engine.
    ['/sbin/docker-init -- urna consumer', 'http://127.0.0.1:8082/healthz'],
    ['/sbin/docker-init -- urna export-csv --every --bom', 'http://127.0.0.1:8083/healthz'],
  ])('%s', (commandLine, address) => {
    expect(asked(commandLine)).toBe(address)
  })

  it.each([
    'node --conditions=urna:built /app/apps/jobs/dist/main.js migrate',
    'node --conditions=urna:built /app/apps/jobs/dist/main.js export-csv',
    'node --conditions=urna:built /app/apps/jobs/dist/main.js recount --every',
    'sleep infinity',
    '',
  ])('none: %s', (commandLine) => {
    expect(asked(commandLine)).toBeNull()
  })

  it.each([
    [{ PORT: '9090' }, 'http://127.0.0.1:9090/healthz'],
    [{ PORT: '', HOST: '' }, 'http://127.0.0.1:8080/healthz'],
    [{ HOST: '0.0.0.0' }, 'http://127.0.0.1:8080/healthz'],
    [{ HOST: '::' }, 'http://[::1]:8080/healthz'],
    [{ HOST: 'fd00::5' }, 'http://[fd00::5]:8080/healthz'],
    [{ HOST: '10.0.0.5', PORT: '80' }, 'http://10.0.0.5:80/healthz'],
  ])('as the process listens: %j', (environment, address) => {
    expect(asked('node /app/apps/api/dist/main.js', environment)).toBe(address)
  })

  it('or whether it can do its job', () => {
    expect(asked('node /app/apps/api/dist/main.js', {}, true)).toBe('http://127.0.0.1:8080/readyz')
  })

  it('reads lists as /proc keeps them', () => {
    expect(listIn('node\0main.js\0')).toEqual(['node', 'main.js'])
    expect(listIn('')).toEqual([])
  })
})
