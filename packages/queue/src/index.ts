export * from './embedded/embedded-queue.ts'
export * from './group-commit.ts'
