import { RollcallError } from '@rollcall/core'

/** The command line is wrong: exit code 2, and where help is. */
export class UsageError extends RollcallError {
  override readonly name = 'UsageError'
  readonly code = 'CLI_USAGE'
}

/** A file that the command needs is absent, unreadable, or not what it should be; `problems` holds every fault. */
export class InputFileError extends RollcallError {
  override readonly name = 'InputFileError'
  readonly code = 'CLI_INPUT_FILE'
  readonly file: string
  readonly problems: readonly string[]
  constructor(file: string, problems: readonly string[], options?: ErrorOptions) {
    super(
      [`${file}: ${problems.length === 1 ? '' : `${problems.length} problems`}`, ...problems].join(
        problems.length === 1 ? '' : '\n  ',
      ),
      options,
    )
    this.file = file
    this.problems = problems
  }
}

/** The HSS refused the operator's call, or did not answer. */
export class AdminCallError extends RollcallError {
  override readonly name = 'AdminCallError'
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
