import { beforeEach, expect, it } from 'vitest'
import { systemIds } from '../ports/id-generator.ts'
import { InMemoryPeople } from '../testing/in-memory-people.ts'
import { userActor } from './actor.ts'
import { verifyPassword } from './password.ts'
import { passwordWork } from './password-work.ts'
import { type UserAdministration, userAdministration } from './user-administration.ts'

const actor = userActor(7)
const nowMs = Date.UTC(2026, 10, 21, 12)
const ana = { username: 'Ana', name: 'Ana', secondName: 'Lima', email: 'ana@school.example', role: 'organizer' } as const

let people: InMemoryPeople
let administration: UserAdministration
beforeEach(() => {
  people = new InMemoryPeople()
  administration = userAdministration({ users: people.users, passwords: passwordWork(), clock: { nowMs: () => nowMs }, ids: systemIds })
})

async function create(changes: object = {}): Promise<number> {
  const created = await administration.create({ ...ana, password: null, ...changes }, actor)
  if (!created.ok) throw new Error(created.failure.kind)
  return created.value.id
}

it('makes users with a voting id of their own, and a password that only its hash is kept of', async () => {
  const [first, second] = [await create({ password: 'a long password' }), await create({ username: 'bruno' })]
  expect((await people.users.find(first))?.hasPassword).toBe(true)
  expect((await people.users.find(second))?.hasPassword).toBe(false)
  const hash = (await people.users.findCredentials('ana'))?.passwordHash ?? ''
  expect(await verifyPassword('a long password', hash)).toBe(true)
  const [left, right] = [await people.users.votingId(first), await people.users.votingId(second)]
  expect([left?.length, left?.equals(right as Buffer)]).toEqual([16, false])
})

it('writes each change into the audit trail, by numbers: no name, no password', async () => {
  const id = await create({ password: 'a long password', role: 'administrator' })
  await create({ username: 'bruno', role: 'administrator', password: 'a long password' })
  await administration.replace(id, { ...ana, username: 'anna' }, actor)
  await administration.setPassword(id, 'another password', actor)
  await administration.createAll(
    [
      { ...ana, username: 'carla', password: null },
      { ...ana, username: 'davi', role: 'voter', password: null },
    ],
    actor,
  )
  await administration.remove(id, actor)
  const told = people.audit.records.map(({ actor: who, action, subject, details }) => [who, action, subject, details])
  expect(told).toEqual([
    ['user 7', 'user.created', 'user 1', { role: 'administrator' }],
    ['user 7', 'user.created', 'user 2', { role: 'administrator' }],
    ['user 7', 'user.changed', 'user 1', { role: 'organizer' }],
    ['user 7', 'user.password-set', 'user 1', {}],
    ['user 7', 'users.imported', expect.stringMatching(/^users? 3/), { count: 2, organizer: 1, voter: 1 }],
    ['user 7', 'user.deleted', 'user 1', {}],
  ])
  expect(JSON.stringify(told)).not.toMatch(/ana|anna|bruno|carla|davi|Lima|password"/i)
})

it('says what keeps a change from being made, and then nothing is changed or noted', async () => {
  const id = await create({ role: 'administrator', password: 'a long password' })
  const records = people.audit.records.length
  const outcomes = [
    await administration.create({ ...ana, username: 'ANA', password: null }, actor),
    await administration.replace(99, ana, actor),
    await administration.replace(id, { ...ana, role: 'auditor' }, actor),
    await administration.remove(id, actor),
    await administration.remove(99, actor),
    await administration.setPassword(99, 'a long password', actor),
  ]
  expect(outcomes.map((outcome) => !outcome.ok && outcome.failure.kind)).toEqual([
    'username_taken',
    'not_found',
    'last_administrator',
    'last_administrator',
    'not_found',
    'not_found',
  ])
  const all = await administration.createAll(
    [
      { ...ana, username: 'bruno', password: null },
      { ...ana, password: null },
    ],
    actor,
  )
  expect(all).toEqual({ ok: false, failure: ['Ana'] })
  expect(await people.users.findByUsername('bruno')).toBeNull()
  expect(people.audit.records.length).toBe(records)
})
