import { RollcallError } from '@rollcall/core'

/** No nats-server could be had by any of the ways; the message says what each one answered and what would help. */
export class NatsServerUnobtainableError extends RollcallError {
  override readonly name = 'NatsServerUnobtainableError'
  readonly code = 'DEV_NATS_UNOBTAINABLE'
  /** One entry a way that was tried: which, and why it gave nothing. */
  readonly tried: readonly { readonly how: string; readonly reason: string }[]
  constructor(tried: NatsServerUnobtainableError['tried'], remedies: readonly string[]) {
    super(
      [
        'no nats-server could be had:',
        ...tried.map(({ how, reason }) => `  - ${how}: ${reason}`),
        'any one of these helps:',
        ...remedies.map((remedy) => `  - ${remedy}`),
      ].join('\n'),
    )
    this.tried = tried
  }
}

/** An archive is not what was pinned, or no archive at all. */
export class ArchiveError extends RollcallError {
  override readonly name = 'ArchiveError'
  readonly code = 'DEV_ARCHIVE'
}

/** The nats-server ended before it was ready, or did not become ready in time; `output` is the end of its log. */
export class NatsServerStartError extends RollcallError {
  override readonly name = 'NatsServerStartError'
  readonly code = 'DEV_NATS_START'
  readonly output: string
  constructor(reason: string, output: string) {
    super(`nats-server ${reason}${output === '' ? '' : `:\n${output}`}`)
    this.output = output
  }
}

/**
 * The nats-server cannot decrypt what lies in its data folder and was stopped. It must not be written to: with another
 * key it would start without its streams, and creating them again deletes the old data.
 */
export class NatsServerKeyError extends RollcallError {
  override readonly name = 'NatsServerKeyError'
  readonly code = 'DEV_NATS_KEY'
  readonly folder: string
  constructor(folder: string) {
    super(`nats-server was stopped: its encryption key is not the one that the data in ${folder} was written with`)
    this.folder = folder
  }
}
