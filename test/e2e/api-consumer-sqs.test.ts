import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { describeServers } from '../servers/support/mysql-suites.ts'
import { SqsServer, sqsName } from '../servers/support/sqs-server.ts'
import { getJson, openPoll, send, until } from '../support/client.ts'
import { ServerProcesses } from '../support/server-processes.ts'
import type { StandaloneProcess } from '../support/standalone-process.ts'
import { TcpGate } from '../support/tcp-gate.ts'

const credentials = { accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: 'x'.repeat(40) }

describeServers(`api and consumer on ${sqsName}`, (suite) => {
  let sqs: SqsServer
  let primary: TcpGate
  let urna: ServerProcesses
  beforeAll(async () => {
    sqs = await SqsServer.start()
    primary = await TcpGate.open(suite.server.connection.port)
    const address = { ...suite.server.connection, port: primary.port }
    urna = new ServerProcesses({
      database: await suite.server.createDatabase(),
      primary: address,
      replica: suite.server.connection,
      queue: {
        AWS_ACCESS_KEY: credentials.accessKeyId,
        AWS_SECRET_KEY: credentials.secretAccessKey,
        AWS_REGION: 'sa-east-1',
        SQS_ENDPOINT: sqs.endpoint,
      },
    })
    await urna.prepare()
  })
  afterEach(() => urna.stopAll())
  afterAll(async () => {
    await sqs?.kill()
    await primary?.shut()
  })

  const vote = (api: StandaloneProcess, pollId: string) =>
    send('POST', `${api.url}/v1/polls/${pollId}/ballots`, {
      body: { answers: [{ question: 1, options: [1] }] },
      headers: { 'idempotency-key': randomBytes(16).toString('hex') },
    })
  const turnoutIs = (api: StandaloneProcess, pollId: string, turnout: number) =>
    until(async () => ((await getJson<{ turnout: number }>(`${api.url}/v1/polls/${pollId}/results`)).turnout === turnout ? true : null))

  it('a vote travels from HTTP to results; nothing is received while the database is away', async () => {
    const [api, consumer] = [await urna.api(), await urna.consumer()]
    await Promise.all([api.ready(), consumer.ready()])
    const poll = await openPoll(api.url, { title: 'Tea?', questions: [{ text: 'Tea?', options: [{ text: 'tea' }, { text: 'coffee' }] }] })
    const answer = await vote(api, poll.id)
    expect(answer.status).toBe(202)
    const { receipt } = JSON.parse(answer.text) as { receipt: string }
    await turnoutIs(api, poll.id, 1)
    expect(await getJson(`${api.url}/v1/receipts/${receipt}`)).toMatchObject({ status: 'counted' })

    await primary.shut()
    await until(async () => ((await send('GET', `${consumer.url}/api/healthcheckmysql`)).status === 503 ? true : null))
    // What was under way when the database went ends first.
    await delay(1_500)
    expect((await vote(api, poll.id)).status).toBe(202)
    await delay(1_500)
    const client = new SQSClient({ region: 'sa-east-1', endpoint: sqs.endpoint, credentials })
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: 'voting.fifo' }))
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] }),
    )
    client.destroy()
    expect(Attributes).toEqual({ ApproximateNumberOfMessages: '1', ApproximateNumberOfMessagesNotVisible: '0' })
    await primary.open()
    await turnoutIs(api, poll.id, 2)
    expect(await consumer.stop()).toEqual({ code: 0, signal: null })
    expect(await api.stop()).toEqual({ code: 0, signal: null })
  })
})
