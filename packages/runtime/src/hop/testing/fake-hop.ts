import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { createLogger } from '../../log.ts'
import { createMetrics } from '../../metrics.ts'
import type { TlsIdentity } from '../../tls-identity.ts'
import { createEnvelope } from '../envelope.ts'
import type { HopTarget, LinkOptions } from '../links.ts'
import type { HopRequest } from '../pending.ts'
import type { HopResult } from '../result.ts'
import { FakeStream, fakeRequest } from './fake-stream.ts'

/** What router and peers are made with, with streams in the hand of the test, and what came of its requests. */
export class FakeHop {
  readonly clock = new VirtualClock()
  readonly options: LinkOptions
  /** `BRANCH STATUS` or `BRANCH KIND`, in order. */
  readonly results: string[] = []
  readonly #streams = new Map<string, FakeStream[]>()
  readonly closed: string[] = []
  readonly #metrics = createMetrics('test')

  constructor(t: TestContext, limits: { readonly pendingMax?: number } = {}) {
    t.after(() => this.#metrics.shutdown())
    this.options = {
      ...limits,
      runtime: {
        // Fake streams ask for no certificate.
        identity: {} as TlsIdentity,
        clock: this.clock,
        random: seededRandom('hop'),
        metrics: this.#metrics,
        log: createLogger({ service: 'test', level: 'silent' }),
      },
      openStream: (to: HopTarget) => ({
        open: (handlers) => {
          const stream = new FakeStream(handlers)
          this.#streams.set(to.target, [...this.streamsOf(to.target), stream])
          return stream
        },
        close: () => this.closed.push(to.target),
      }),
    }
  }

  streamsOf(target: string): readonly FakeStream[] {
    return this.#streams.get(target) ?? []
  }

  /** The newest stream to a target. */
  stream(target: string): FakeStream {
    const stream = this.streamsOf(target).at(-1)
    assert.ok(stream, `no stream was opened to ${target}`)
    return stream
  }

  request(branch: string): HopRequest {
    return { branch, sip: fakeRequest(branch), envelope: createEnvelope() }
  }

  /** Takes down what came of a request. */
  hear(branch: string): (result: HopResult) => void {
    return (result) => {
      this.results.push(`${branch} ${result.kind === 'response' ? result.status : result.kind}`)
    }
  }

  /** The value of one series of the exposition; 0 when it is not there. */
  async metric(series: string): Promise<number> {
    const line = (await this.#metrics.expose()).split('\n').find((text) => text.startsWith(`${series} `))
    return Number(line?.slice(series.length + 1) ?? 0)
  }
}
