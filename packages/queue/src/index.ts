// Not here: `embedded/embedded-queue` and `sqs/sqs-queue`. No process needs both, and the client of SQS alone takes a second to load.
export { redisEventLine, sqsEventLine } from './event-lines.ts'
export * from './redis-request-counts.ts'
export * from './redis-streams/options.ts'
export * from './redis-streams/redis-streams-queue.ts'
export * from './results-cache.ts'
export * from './voter-places.ts'
