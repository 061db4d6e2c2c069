export * from './consume.ts'
export * from './janitor.ts'
export * from './judged-polls.ts'
