/**
 * What was measured, and where: the only place of figures that `plan` reckons with. Each stands in docs/performance.md in the words of `stated`
 * (a test compares). After a new measurement change both.
 */
export interface Figure {
  readonly value: number
  readonly unit: 'us' | 'bytes' | 'kB' | 'MB' | 'a second'
  readonly what: string
  /** How to measure it again. */
  readonly source: `make ${string}`
  /** As in docs/performance.md. */
  readonly stated: string
}

/** Where all of them come from. */
export const measuredOn =
  '2 cores of an AMD EPYC (Zen 4, virtual), shared with other work; a disk that syncs in 0.1 ms; MariaDB 10.11, Redis 7, nginx 1.22, Node 24'

export const figures = {
  standalone: {
    value: 13_600,
    unit: 'a second',
    what: 'ballots of one process on SQLite, on a busy machine (20,600 on an idle one)',
    source: 'make bench',
    stated: '13,600 to 20,600 a second',
  },
  counting: {
    value: 27_000,
    unit: 'a second',
    what: 'ballots that four consumers count into one primary, at least (39,000 at best)',
    source: 'make bench-counting',
    stated: '27,000 to 39,000',
  },
  loadBalancerUs: ofPath(43, 'nginx passes a ballot on', 'load balancer (nginx) | 43 us'),
  handshakeUs: ofPath(490, 'nginx takes a new TLS connection', 'a new TLS connection | 490 us'),
  apiUs: ofPath(105, 'an api takes a ballot', 'api | 105 us'),
  redisUs: ofPath(12.3, 'Redis keeps a ballot and hands it out', 'Redis | 12.3 us'),
  consumerUs: ofPath(25, 'a consumer counts a ballot', 'consumer | 25 us'),
  primaryUs: ofPath(23, 'the primary commits a ballot', 'primary | 23 us'),
  replicaUs: ofPath(7.1, 'the replica repeats it', 'replica | 7.1 us'),
  redisDisk: bytesOfPath(213, 'Redis writes to its disk for a ballot', '213 bytes to disk'),
  primaryDisk: bytesOfPath(601, 'the primary writes to its disk for a ballot', '601 bytes to disk'),
  replicaDisk: bytesOfPath(316, 'the replica writes to its disk for a ballot', '316 bytes to disk'),
  redisMemory: bytesOfPath(61, 'a ballot in the queue, waiting or kept for a replay', '61 bytes of memory'),
  tables: bytesOfPath(158, 'a voter in the tables', '158 bytes in tables'),
  binaryLog: bytesOfPath(267, 'a ballot in the binary log, which is also what the replica is sent', '267 bytes of binary log'),
  redisNetwork: bytesOfPath(120, 'a ballot to Redis and from it', '62 bytes in, 58 out'),
  primaryNetwork: bytesOfPath(307, 'a ballot to the primary, and what it answers', '164 bytes in, 143 out'),
  request: bytesOfPath(212, 'a ballot as a program sends it', 'request of 212 bytes'),
  answer: bytesOfPath(523, 'the answer to it', 'answer of 523'),
  apiMemory: { value: 265, unit: 'MB', what: 'memory of an api under load', source: 'make bench-path', stated: '265 MB' },
  consumerMemory: { value: 186, unit: 'MB', what: 'memory of a consumer under load', source: 'make bench-path', stated: '186 MB' },
  pages: {
    value: 89_700,
    unit: 'bytes',
    what: "a voter's first visit of a poll: all that the browser receives",
    source: 'make test',
    stated: '89,700 bytes',
  },
  pushUs: { value: 16, unit: 'us', what: 'an api pushes results to one reader', source: 'make bench-live', stated: 'at most 16 us' },
  readerMemory: {
    value: 88,
    unit: 'kB',
    what: 'memory of an open result page in an api',
    source: 'make bench-live',
    stated: 'at most 88 kB',
  },
} as const satisfies Record<string, Figure>

function ofPath(value: number, what: string, stated: string): Figure {
  return { value, unit: 'us', what: `processor time in which ${what}`, source: 'make bench-path', stated }
}

function bytesOfPath(value: number, what: string, stated: string): Figure {
  return { value, unit: 'bytes', what, source: 'make bench-path', stated }
}

/** Not measured but chosen, or fixed by a setting of ours. */
export const chosen = {
  /** How busy a part may be: what is left is for a neighbour that is away, for peaks within a second, and for another machine than ours. */
  busy: 0.6,
  /** What browsers send and get in headers beyond the program of the measurement, and what TLS, TCP and IP put around it. */
  browserBytes: 1_500,
  /** REPLAY_WINDOW_SECONDS: counted ballots stay in the queue so long... */
  replaySeconds: 900,
  /** ...or until they take this share of Redis's memory. */
  replayShare: 0.4,
  /** Events a second that a page gets at most. */
  pushesASecond: 2,
  /** An event of live results of a poll with a few options. */
  eventBytes: 600,
  /** BACKLOG_MAX: when so many ballots wait, more are refused. */
  backlogMax: 2_000_000,
  /** LIVE_READERS_MAX of one api. */
  readersOfApi: 20_000,
  /** worker_connections of deploy/nginx; a reader is two of them. */
  connectionsOfWorker: 8_192,
  /** Cores of one nginx machine. */
  coresOfLoadBalancer: 8,
  /** A line to the internet, in bits a second. */
  line: 10e9,
} as const
