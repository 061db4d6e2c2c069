import { systemIds } from '@urna/core'
import { generatedPassword } from '@urna/core/users/password'
import { describe, expect, it } from 'vitest'
import { isGuessable } from './guessable-password.ts'
import { type TestApi, testApi } from './testing/test-api.ts'

const ana = { username: 'ana', name: 'Ana', secondName: 'Bela Vista', email: 'ana@escola-azul.example' }

describe('a password', () => {
  it.each([
    ...['password1234', 'qwertyuiop123', '123456789012', 'abcdefghijkl', 'aaaaaaaaaaaa', 'senha123senha123', '1q2w3e4r5t6y'],
    ...['administrator1', 'urna-urna-urna', 'votacaovotacao', 'anaanaana1234', 'P@ssw0rd'.repeat(25)],
  ])('%s is guessed soon', async (password) => {
    expect(await isGuessable(password, ana)).toBe(true)
  })

  it.each(['correct horse battery', 'minha avó faz bolo de fubá', '投票は静かで真剣なものです。', generatedPassword(systemIds)])(
    '%s is not',
    async (password) => {
      expect(await isGuessable(password, ana)).toBe(false)
    },
  )

  it('of the greatest length is judged in bounded time', async () => {
    await isGuessable('loads what it needs', ana)
    const startedMs = performance.now()
    for (const part of ['p@ssw0rd', '4@8({[6#3!1|0$5+7%2', '1qaz2wsx3edc']) await isGuessable(part.repeat(200).slice(0, 200), ana)
    // Whole, they take seconds on a busy machine.
    expect(performance.now() - startedMs).toBeLessThan(3_000)
  })
})

describe('nobody is given a password that is guessed soon', () => {
  const guessable = 'password1234'
  const expected = (field: string) => ({
    type: 'urn:urna:problem:invalid-request',
    errors: [{ field, detail: expect.stringContaining('harder to guess') }],
  })

  async function asked(api: TestApi, method: 'POST' | 'PUT', url: string, payload: object, headers: Record<string, string>) {
    return (await api.app.inject({ method, url, payload, headers })).json()
  }

  it('by whichever route', async () => {
    const api = await testApi()
    const { headers } = await api.signIn('administrator')
    const bruno = await api.addUser('voter')
    expect(await asked(api, 'POST', '/v1/users', { username: 'carla', password: guessable }, headers)).toMatchObject(expected('password'))
    expect(await asked(api, 'PUT', `/v1/users/${bruno.id}/password`, { password: guessable }, headers)).toMatchObject(expected('password'))
    const csv = `username,password\nana,${guessable}\nbruno,a calm river of ink\n`
    expect(await asked(api, 'POST', '/v1/users/import', { csv }, headers)).toMatchObject({
      faults: [{ line: 2, column: 'password', detail: expect.stringContaining('harder to guess') }],
      faultsTotal: 1,
    })
    expect(await api.people.users.findByUsername('carla')).toBeNull()
    await api.app.close()
  })
})
