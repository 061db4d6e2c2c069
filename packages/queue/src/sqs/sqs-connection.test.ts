import { describe, expect, it } from 'vitest'
import { attributeFaults, attributesOfNewQueue, identityOfQueue } from './queue-attributes.ts'
import { fakeConnection, turn } from './testing/fake-sqs.ts'

describe('connection to a queue of SQS', () => {
  it.each([
    ['voting.fifo', { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' }],
    ['voting', {}],
  ])('makes %s if there is none, and says so', async (queueName, more) => {
    const { fake, connection, events } = fakeConnection({ queueName })
    expect(await connection.place()).toMatchObject({ url: `https://sqs.here/1/${queueName}`, epoch: 1 })
    expect(fake.queue).toMatchObject({ MessageRetentionPeriod: '1209600', ...more })
    expect(Object.keys(fake.queue ?? {})).not.toContain('RedrivePolicy')
    expect(events).toEqual([{ kind: 'queue', name: queueName, epoch: 1, made: true, replaced: false }])
  })

  it('uses an existing queue as it is, and warns of what is not as it should be', async () => {
    const { fake, connection, events } = fakeConnection()
    fake.make('voting.fifo', {
      MessageRetentionPeriod: '345600',
      RedrivePolicy: '{"maxReceiveCount":10,"deadLetterTargetArn":"x"}',
      FifoThroughputLimit: 'perQueue',
    })
    await connection.place()
    expect(fake.calls).toEqual(['queueUrl', 'attributes'])
    const warned = events.flatMap((event) => (event.kind === 'attribute' ? [event.attribute] : []))
    expect(warned).toEqual(['MessageRetentionPeriod', 'RedrivePolicy', 'FifoThroughputLimit'])
  })

  it('asks for the epoch once, with an identity of 32 bytes', async () => {
    const identities: Uint8Array[] = []
    const { connection } = fakeConnection({
      registerEpoch: async (identity) => {
        identities.push(identity)
        return 9
      },
    })
    const places = await Promise.all([connection.place(), connection.place()])
    expect(places.map(({ epoch }) => epoch)).toEqual([9, 9])
    expect(identities.map(({ length }) => length)).toEqual([32])
  })

  it('gives no place without an epoch, and one as soon as there is', async () => {
    let refuses = true
    const registerEpoch = async () => {
      if (refuses) throw new Error('the primary is down')
      return 3
    }
    const { connection } = fakeConnection({ registerEpoch })
    await expect(connection.place()).rejects.toThrow('the primary is down')
    refuses = false
    expect((await connection.place()).epoch).toBe(3)
  })

  it('makes a queue that is gone again, under a new epoch, with an alarm', async () => {
    const { fake, connection, events } = fakeConnection()
    fake.make('voting.fifo')
    await connection.place()
    fake.queue = null
    await expect(connection.withPlace(({ url }) => connection.calls.attributes(url))).rejects.toThrow('no such queue')
    await connection.withPlace(async ({ epoch }) => expect(epoch).toBe(1)) // the fake made it with the old creation time: the same queue
    fake.queue = null
    await expect(connection.withPlace(({ url }) => connection.calls.attributes(url))).rejects.toThrow('no such queue')
    fake.make('voting.fifo', { CreatedTimestamp: '1061' })
    expect((await connection.place()).epoch).toBe(2)
    expect(events.at(-1)).toEqual({ kind: 'queue', name: 'voting.fifo', epoch: 2, made: false, replaced: true })
  })

  it('notices within 10 s that others replaced the queue', async () => {
    const { fake, time, connection, events } = fakeConnection()
    fake.make('voting.fifo')
    expect((await connection.place()).epoch).toBe(1)
    fake.make('voting.fifo', { CreatedTimestamp: '1061' })
    time.pass(4_000)
    expect((await connection.place()).epoch).toBe(1)
    expect(fake.calls).toHaveLength(2) // queueUrl, attributes: nobody has looked again
    time.pass(2_000)
    expect((await connection.place()).epoch).toBe(1) // nobody waits for this look
    await turn()
    expect((await connection.place()).epoch).toBe(2)
    expect(events.at(-1)).toMatchObject({ kind: 'queue', made: false, replaced: true })
    fake.make('voting.fifo', { CreatedTimestamp: '2000' })
    time.pass(11_000)
    expect((await connection.place()).epoch).toBe(3) // after so long nothing is done before it is known
  })

  it('does nothing with a queue that it has not been able to look at for 10 s', async () => {
    const { fake, time, connection } = fakeConnection()
    fake.make('voting.fifo')
    await connection.place()
    fake.failure = new Error('down')
    time.pass(6_000)
    expect((await connection.place()).epoch).toBe(1)
    time.pass(5_000)
    await expect(connection.place()).rejects.toThrow('down')
  })

  it('finds the queue that somebody else made at the same moment', async () => {
    const { fake, connection } = fakeConnection()
    connection.calls.createQueue = async () => {
      fake.make('voting.fifo')
      throw Object.assign(new Error('other attributes'), { name: 'QueueNameExists' })
    }
    expect((await connection.place()).epoch).toBe(1)
  })
})

describe('attributes of a queue', () => {
  it('finds no fault in the queues that are made here', () => {
    for (const kind of ['fifo', 'standard'] as const) {
      expect(attributeFaults(kind, { ...attributesOfNewQueue(kind), MaximumMessageSize: '262144', DelaySeconds: '0' })).toEqual([])
    }
  })

  it.each([
    ['{"maxReceiveCount":"1000"}', []],
    ['{"maxReceiveCount":999}', ['RedrivePolicy']],
    ['not JSON', ['RedrivePolicy']],
    ['{}', ['RedrivePolicy']],
  ])('reads the redrive policy %s', (RedrivePolicy, faults) => {
    const attributes = { ...attributesOfNewQueue('standard'), MaximumMessageSize: '262144', DelaySeconds: '0', RedrivePolicy }
    expect(attributeFaults('standard', attributes).map(({ attribute }) => attribute)).toEqual(faults)
  })

  it('tells queues apart by address and creation time', () => {
    const identities = [
      { QueueArn: 'a', CreatedTimestamp: '1' },
      { QueueArn: 'a', CreatedTimestamp: '2' },
      { QueueArn: 'b', CreatedTimestamp: '1' },
      { QueueArn: 'a\u00001', CreatedTimestamp: '' },
    ].map((attributes) => identityOfQueue(attributes).toString('hex'))
    expect(new Set(identities).size).toBe(4)
    expect(() => identityOfQueue({ QueueArn: 'a' })).toThrow()
  })
})
