import { LeaseFormatError } from './errors.ts'

/*
 * A lease is one message, JSON, so that an operator can read it with NATS's own tools:
 *
 *   { "version": 1, "incarnation": "9f…", "beat": 17, "target": "10.0.0.7:7443", "state": "serving",
 *     "held": { "3": "1042", "7": "0" }, "lingering": [5], "floors": { "3": "1077", "7": "980" } }
 *
 * The replica's name is the last token of the subject. Epochs and sequences are text: they may pass 2^53.
 *
 * `floors` came later, and the version stayed: a reader that does not know them does without, while one that cannot read a
 * lease knows nothing of what is held. Where they are missing nothing is known.
 */
const VERSION = 1
const STATES = ['serving', 'leaving', 'gone', 'revoked'] as const
const TARGET_CHARS_MAX = 300
const INCARNATION = /^[0-9a-f]{1,64}$/
const NUMBER = /^(?:0|[1-9][0-9]{0,19})$/
const PARTITION = /^(?:0|[1-9][0-9]{0,3})$/

/** `gone` has said good-bye; `revoked` was silent, and another one has ended its lease. */
export type LeaseState = (typeof STATES)[number]

/** What a lease says. */
export interface LeaseRecord {
  readonly incarnation: string
  /** Counts the tries to write a heartbeat: no two messages of an incarnation have the same. */
  readonly beat: number
  readonly target: string
  readonly state: LeaseState
  /** Partitions and the epochs that they were taken by; 0 for one that is claimed, and whose epoch is not known yet. */
  readonly held: ReadonlyMap<number, bigint>
  /** Partitions that an earlier incarnation of the same name held, and may still tell of. */
  readonly lingering: ReadonlySet<number>
  /** Of each partition, whoever holds it, the sequence of the last record that the writer knows to be acknowledged. */
  readonly floors: ReadonlyMap<number, bigint>
}

export function encodeLease(lease: LeaseRecord): Buffer {
  const { incarnation, beat, target, state, held, lingering, floors } = lease
  const body = {
    version: VERSION,
    incarnation,
    beat,
    target,
    state,
    held: textOf(held),
    lingering: [...lingering],
    floors: textOf(floors),
  }
  return Buffer.from(JSON.stringify(body))
}

function textOf(numbers: ReadonlyMap<number, bigint>): Record<string, string> {
  return Object.fromEntries([...numbers].map(([partition, number]) => [partition, String(number)]))
}

/** @throws LeaseFormatError also for a version that a later release may have written. */
export function decodeLease(data: Uint8Array): LeaseRecord {
  const { version, incarnation, beat, target, state, held, lingering, floors } = parse(data)
  if (version !== VERSION) throw new LeaseFormatError(`a lease has format version ${JSON.stringify(version)}`)
  const known = STATES.find((one) => one === state)
  if (known === undefined) throw new LeaseFormatError(`a lease has the unknown state ${JSON.stringify(state)}`)
  if (typeof incarnation !== 'string' || !INCARNATION.test(incarnation))
    throw new LeaseFormatError('a lease has no incarnation')
  if (typeof beat !== 'number' || !Number.isSafeInteger(beat) || beat < 0)
    throw new LeaseFormatError('a lease has no beat')
  if (typeof target !== 'string' || target.length > TARGET_CHARS_MAX)
    throw new LeaseFormatError('a lease has no target')
  return {
    incarnation,
    beat,
    target,
    state: known,
    held: readNumbers(held),
    lingering: readLingering(lingering),
    floors: floors === undefined ? new Map() : readNumbers(floors),
  }
}

function parse(data: Uint8Array): Readonly<Record<string, unknown>> {
  let body: unknown
  try {
    body = JSON.parse(Buffer.from(data).toString('utf8'))
  } catch (cause) {
    throw new LeaseFormatError('a lease is no JSON', { cause })
  }
  if (typeof body !== 'object' || body === null) throw new LeaseFormatError('a lease is no object')
  return body as Readonly<Record<string, unknown>>
}

/** Epochs, or sequences, by partition. */
function readNumbers(value: unknown): Map<number, bigint> {
  if (typeof value !== 'object' || value === null) throw new LeaseFormatError('a lease says nothing of its partitions')
  return new Map(
    Object.entries(value).map(([partition, number]) => {
      if (!PARTITION.test(partition) || typeof number !== 'string' || !NUMBER.test(number))
        throw new LeaseFormatError('a lease names what is no partition')
      return [Number(partition), BigInt(number)]
    }),
  )
}

function readLingering(value: unknown): Set<number> {
  const isWhole = (one: unknown): one is number => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0
  if (!Array.isArray(value) || !value.every(isWhole)) throw new LeaseFormatError('a lease says nothing of what lingers')
  return new Set(value)
}
