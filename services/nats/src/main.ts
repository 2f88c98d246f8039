import { RollcallError } from '@rollcall/core'
import { loadConfig } from '@rollcall/runtime'
import { natsShape } from './config.ts'
import { prepareNatsServer } from './service.ts'

/** sysexits.h: the configuration, or the data that is there, is wrong, and trying again changes nothing. */
const EXIT_CONFIG = 78

try {
  const config = loadConfig({ service: 'nats', shape: natsShape, env: process.env })
  const { file, args, env } = await prepareNatsServer(config)
  if (!process.execve) throw new Error('this platform has no execve')
  // From here on this process is nats-server: signals reach it, and nothing of Node stays in memory.
  process.execve(file, [file, ...args], { ...process.env, ...env })
} catch (error) {
  if (!(error instanceof RollcallError)) throw error
  process.stderr.write(`nats: ${error.message}\n`)
  process.exitCode = EXIT_CONFIG
}
