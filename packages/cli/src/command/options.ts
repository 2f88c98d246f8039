import { parseArgs } from 'node:util'
import { UsageError } from '../errors.ts'

/** One option of a command, and how its help reads. */
export interface OptionSpec {
  /** What stands for its value in the help, `FILE`; a switch has none. */
  readonly value?: string
  readonly help: string
  /** May come several times. */
  readonly isList?: boolean
  /** One of these. */
  readonly oneOf?: readonly string[]
  /** A whole number in these bounds. */
  readonly range?: { readonly min: number; readonly max: number }
}

export type OptionTable = Readonly<Record<string, OptionSpec>>

/** A command line that was read by a table: each value has been checked. */
export class Options {
  readonly positionals: readonly string[]
  readonly #values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>

  constructor(
    values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
    positionals: readonly string[],
  ) {
    this.#values = values
    this.positionals = positionals
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  list(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value : []
  }

  whole(name: string): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : Number(text)
  }
}

/**
 * Reads a command line by its table.
 *
 * @throws UsageError that names the option and what is allowed.
 */
export function parseOptions(args: readonly string[], table: OptionTable): Options {
  const config = Object.fromEntries(
    Object.entries(table).map(([name, spec]) => [
      name,
      { type: spec.value === undefined ? ('boolean' as const) : ('string' as const), multiple: spec.isList ?? false },
    ]),
  )
  const { values, positionals } = parse(args, config)
  for (const [name, spec] of Object.entries(table)) {
    const given = values[name]
    for (const value of Array.isArray(given) ? given : [given]) {
      if (typeof value === 'string') check(name, spec, value)
    }
  }
  return new Options(values as ConstructorParameters<typeof Options>[0], positionals)
}

type Config = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>

function parse(args: readonly string[], options: Config): { values: Record<string, unknown>; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error
    // The first sentence says it; what follows is advice to programmers.
    throw new UsageError(String(message.split('. ')[0]).replace(/\.$/, ''))
  }
}

function check(name: string, spec: OptionSpec, value: string): void {
  if (spec.oneOf && !spec.oneOf.includes(value)) {
    throw new UsageError(`--${name} must be ${spec.oneOf.join(' or ')}, not '${value}'`)
  }
  if (!spec.range) return
  const { min, max } = spec.range
  if (!/^\d{1,15}$/.test(value) || Number(value) < min || Number(value) > max) {
    throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not '${value}'`)
  }
}
