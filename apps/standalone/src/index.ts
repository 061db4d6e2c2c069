export { compose } from './compose.ts'
export { runStandalone } from './run.ts'
