import type { Output } from '../output.ts'
import type { Options, OptionTable } from './options.ts'

/** What a command runs in. */
export interface Invocation {
  readonly options: Options
  readonly output: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C: end what is under way, tidily. */
  readonly signal: AbortSignal
}

/** One command of the table. What it runs is loaded when it is called, so that each starts quickly. */
export interface Command {
  /** The words that call it: `ue publish`. */
  readonly path: readonly [string, ...string[]]
  /** Where it stands in the list of commands; its first word unless said otherwise. */
  readonly group?: string
  /** What stands behind its words in the usage line: `URI`. */
  readonly operands?: string
  readonly operandsMin?: number
  readonly operandsMax?: number
  /** One line for the list of commands. */
  readonly summary: string
  /** The help's text: what it does and what it leaves behind. */
  readonly description: string
  readonly options: OptionTable
  readonly examples: readonly string[]
  run(invocation: Invocation): Promise<void>
}
