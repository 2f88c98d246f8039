import { systemRandom } from '@rollcall/core'
import { JetStreamError, StoreFullError, StoreUnavailableError } from '../errors.ts'
import { isFull, publish } from '../jetstream-api.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'
import { encodeLogMessage } from './log-message.ts'

/** An epoch message without an answer is sent again: of two the later one counts. */
const ATTEMPT_MS_MAX = 3_000
const WAIT_MS = 50
/** Longer than a stream takes to elect a leader after a kill. */
const EPOCH_MS_MAX = 30_000
/** Tells an epoch message from all others. */
const NONCE_OCTETS = 16

/**
 * Writes an epoch message, without any expectation, and gives its sequence: the writer's fence. With an expectation it
 * would lose the race against a busy owner many times over.
 *
 * @throws StoreUnavailableError, StoreFullError, StoreDeniedError, JetStreamError
 */
export async function writeEpoch(connection: StoreLink, o: { subject: string; partition: string }): Promise<number> {
  const dueMs = connection.clock.monotonic() + EPOCH_MS_MAX
  for (;;) {
    try {
      const record = systemRandom.bytes(NONCE_OCTETS)
      const data = encodeLogMessage({ kind: 'epoch', epoch: 0n, number: 0n, records: [{ record }] })
      const answer = await publish(connection, { subject: o.subject, data, timeoutMs: ATTEMPT_MS_MAX })
      if (answer.ok) return answer.sequence
      if (isFull(answer)) throw new StoreFullError(o.partition)
      throw new JetStreamError(answer.errorCode, answer.description)
    } catch (error) {
      const mayPass = error instanceof StoreUnavailableError || error instanceof JetStreamError
      if (!mayPass || connection.clock.monotonic() > dueMs || connection.isClosed) throw error
    }
    await pause(connection.clock, WAIT_MS)
  }
}
