export { type CliWorld, runCli } from './cli.ts'
