import {
  type Clock,
  commandLine,
  demoPolls,
  ForeignMasterKeyError,
  type IdGenerator,
  type MasterKey,
  type Poll,
  type PollDefinition,
  type PollRepository,
  pollAdministration,
} from '@urna/core'
import { allPolls } from './export-csv.ts'

/** Settings of the installation, kept in its database. */
export interface InstallationSettings {
  get(name: string): Promise<string | null>
  /** Returns the value that is stored afterwards: this one, or the one that was there. */
  setIfAbsent(name: string, value: string): Promise<string>
}

export interface PrepareDependencies {
  readonly polls: PollRepository
  readonly settings: InstallationSettings
  readonly masterKey: MasterKey
  readonly clock: Clock
  readonly ids: IdGenerator
}

const fingerprintSetting = 'master_key_fingerprint'
const seedingBegunSetting = 'demo_polls_begun'
const seedingDoneSetting = 'demo_polls_done'

/** What follows the tables: refuses another master key, and gives a fresh installation something to look at. Idempotent. */
export async function prepareInstallation(dependencies: PrepareDependencies): Promise<void> {
  await keepMasterKeyFingerprint(dependencies)
  await seedDemoPolls(dependencies)
}

/** Where it is known already with which key the installation was set up. */
export async function refuseForeignMasterKey({
  settings,
  masterKey,
}: Pick<PrepareDependencies, 'masterKey'> & { settings: Pick<InstallationSettings, 'get'> }): Promise<void> {
  const stored = await settings.get(fingerprintSetting)
  if (stored !== null && stored !== masterKey.fingerprint) throw new ForeignMasterKeyError({ stored, given: masterKey.fingerprint })
}

async function keepMasterKeyFingerprint({ settings, masterKey }: PrepareDependencies): Promise<void> {
  const stored = await settings.setIfAbsent(fingerprintSetting, masterKey.fingerprint)
  if (stored !== masterKey.fingerprint) throw new ForeignMasterKeyError({ stored, given: masterKey.fingerprint })
}

/** Once in the life of an installation, and only if it has no polls of its own. A crash half-way is made up for at the next start. */
async function seedDemoPolls(dependencies: PrepareDependencies): Promise<void> {
  const { polls, settings } = dependencies
  if ((await settings.get(seedingDoneSetting)) !== null) return
  const existing = await existingPolls(polls)
  const begun = (await settings.get(seedingBegunSetting)) !== null
  if (begun || existing.length === 0) {
    await settings.setIfAbsent(seedingBegunSetting, 'true')
    // One after the other: the first gets survey id 1.
    for (const definition of demoPolls) await seedPoll(dependencies, definition, existing)
  }
  await settings.setIfAbsent(seedingDoneSetting, 'true')
}

async function existingPolls(polls: PollRepository): Promise<Poll[]> {
  const existing: Poll[] = []
  for await (const poll of allPolls(polls)) {
    existing.push(poll)
    // One is enough to know that the installation is in use, but for the few of a seeding that was cut short.
    if (existing.length > demoPolls.length) break
  }
  return existing
}

async function seedPoll(dependencies: PrepareDependencies, definition: PollDefinition, existing: readonly Poll[]): Promise<void> {
  const administration = pollAdministration({
    ...dependencies,
    ballots: {
      erase() {
        throw new Error('seeding deletes nothing')
      },
    },
    countedUntilMs: async () => null,
  })
  const poll =
    existing.find((other) => other.definition.title === definition.title) ?? (await administration.create(definition, commandLine))
  if (poll.version.opensAtMs !== null) return
  const opened = await administration.open(poll.id, { opensAtMs: null, closesAtMs: null }, commandLine)
  if (!opened.ok) throw new Error(`the demo poll "${definition.title}" could not be opened: ${JSON.stringify(opened.failure)}`)
}
