import { RollcallError } from '@rollcall/core'
import type { Command } from './command/command.ts'
import { renderCommand, renderGroup, renderOverview, usageOf } from './command/help.ts'
import { parseOptions } from './command/options.ts'
import { COMMANDS } from './commands.ts'
import { UsageError } from './errors.ts'
import { Output } from './output.ts'

/** What the command line meets outside. */
export interface CliWorld {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

/** Exit codes. */
export const DONE = 0
export const FAILED = 1
export const USAGE = 2

/** Runs one command line and gives its exit code. Errors of the world are told in one line, without a stack. */
export async function runCli(args: readonly string[], world: CliWorld): Promise<number> {
  const words = args[0] === 'help' ? args.slice(1) : args
  const command = COMMANDS.find(({ path }) => path.every((word, at) => words[at] === word))
  const asksHelp = args[0] === 'help' || args.includes('--help') || args.includes('-h')
  if (!command) return answerWithoutCommand(words, asksHelp, world)
  if (asksHelp) {
    world.stdout(renderCommand(command))
    return DONE
  }
  const isJson = args.includes('--json')
  try {
    const options = parseOptions(args.slice(command.path.length), command.options)
    checkOperands(command, options.positionals)
    await command.run({
      options,
      output: new Output({ isJson, write: world.stdout }),
      env: world.env,
      signal: world.signal,
    })
    return DONE
  } catch (error) {
    return tellError(error, command, isJson, world)
  }
}

function answerWithoutCommand(words: readonly string[], asksHelp: boolean, world: CliWorld): number {
  const [group, word] = words.filter((arg) => !arg.startsWith('-'))
  const isGroup = COMMANDS.some((command) => (command.group ?? command.path[0]) === group)
  const help = group !== undefined && isGroup ? renderGroup(COMMANDS, group) : renderOverview(COMMANDS)
  const unknown = isGroup ? word && `${group} ${word}` : group
  if (asksHelp && unknown === undefined) {
    world.stdout(help)
    return DONE
  }
  world.stderr(unknown === undefined ? help : `rollcall: there is no command '${unknown}'\n\n${help}`)
  return USAGE
}

function checkOperands(command: Command, operands: readonly string[]): void {
  const { operandsMin = 0, operandsMax = operandsMin } = command
  if (operands.length < operandsMin) throw new UsageError(`${command.operands} is missing`)
  if (operands.length > operandsMax) throw new UsageError(`'${operands[operandsMax]}' is one too many`)
}

function tellError(error: unknown, command: Command, isJson: boolean, world: CliWorld): number {
  if (error instanceof UsageError) {
    world.stderr(`rollcall: ${error.message}\nusage: ${usageOf(command)}\n`)
    world.stderr(`'rollcall ${command.path.join(' ')} --help' tells more.\n`)
    return USAGE
  }
  if (error instanceof RollcallError) {
    const { code, message } = error
    if (isJson) world.stdout(`${JSON.stringify({ event: 'error', code, message })}\n`)
    world.stderr(`rollcall: ${message}\n`)
    return FAILED
  }
  throw error
}
