import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { Load } from './load.ts'
import type { LoadReport, NotifiedReport, ProbeReport } from './work.ts'

const ADDRESS = '127.1.9.22'

/** A presence server that keeps nothing: answers, and tells each watcher what there is. */
class PlayedServer implements AsyncDisposable {
  readonly #socket: Socket = createSocket('udp4')
  readonly #seen = new Set<string>()
  readonly #watchers: { readonly contact: string; readonly callId: string; cseq: number }[] = []
  readonly okCount = { notify: 0 }
  /** Requests that get no answer, or 503, when they come for the first time. */
  firstAnswer: 'none' | '503' | '200' = '200'
  publications = 0

  static async start(): Promise<PlayedServer> {
    const server = new PlayedServer()
    const listening = once(server.#socket, 'listening')
    server.#socket.bind(0, ADDRESS)
    await listening
    server.#socket.on('message', (message, from) => server.#take(message.toString('latin1'), from))
    return server
  }

  get endpoint() {
    return { address: ADDRESS, port: this.#socket.address().port }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()))
  }

  #take(text: string, from: { readonly address: string; readonly port: number }): void {
    if (text.startsWith('SIP/2.0 200')) {
      this.okCount.notify += 1
      return
    }
    const header = (name: string): string => new RegExp(`^${name}: (.*?)\r$`, 'm').exec(text)?.[1] ?? ''
    const via = header('Via')
    const answer = (status: string, extra = ''): void => {
      const head = `SIP/2.0 ${status}\r\nVia: ${via}\r\nCall-ID: ${header('Call-ID')}\r\nCSeq: ${header('CSeq')}\r\n`
      this.#socket.send(`${head}${extra}Content-Length: 0\r\n\r\n`, from.port, from.address)
    }
    const isFirst = !this.#seen.has(via)
    this.#seen.add(via)
    if (isFirst && this.firstAnswer === 'none') return
    if (isFirst && this.firstAnswer === '503') {
      answer('503 Service Unavailable')
      return
    }
    if (text.startsWith('PUBLISH')) {
      this.publications += 1
      answer('200 OK', `SIP-ETag: e${this.publications}\r\n`)
      for (const watcher of this.#watchers) this.#notify(watcher)
    } else {
      answer('200 OK')
      const watcher = { contact: /<(.*)>/.exec(header('Contact'))?.[1] ?? '', callId: header('Call-ID'), cseq: 0 }
      this.#watchers.push(watcher)
      this.#notify(watcher)
    }
  }

  /** Twice the same, as when its 200 was lost. */
  #notify(watcher: { readonly contact: string; readonly callId: string; cseq: number }): void {
    watcher.cseq += 1
    const head = `NOTIFY ${watcher.contact} SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKn\r\nCall-ID: ${watcher.callId}\r\n`
    const notify = `${head}CSeq: ${watcher.cseq} NOTIFY\r\nContent-Length: 0\r\n\r\n`
    const port = Number(watcher.contact.split(':').at(-1))
    for (let i = 0; i < 2; i++) this.#socket.send(notify, port, ADDRESS)
  }
}

test('publishes, subscribes, answers NOTIFYs and counts each of them once', async () => {
  await using server = await PlayedServer.start()
  using load = await Load.open(ADDRESS, 'test00')
  const common = { server: server.endpoint, presentities: { first: 0, count: 4 }, outstanding: 2 }
  const published = (await load.run({ kind: 'publish', ...common, until: { operations: 8 } })) as LoadReport
  assert.equal(published.operations, 8)
  assert.deepEqual(published.failures, {})
  const one = { ...common, presentities: { first: 0, count: 1 } }
  const subscribed = (await load.run({ kind: 'subscribe', ...one, until: { operations: 5 } })) as LoadReport
  assert.equal(subscribed.operations, 5)
  const until = { operations: 3 }
  const told = (await load.run({ kind: 'fanout', server: server.endpoint, presentity: 0, until })) as LoadReport
  assert.equal(told.operations, 15)
  const notified = (await load.run({ kind: 'notified' })) as NotifiedReport
  assert.deepEqual(notified.byPresentity, [[0, 15]])
  assert(server.okCount.notify >= 20)
})

test('sends again what was not answered (RFC 3261 section 17.1.2.2)', async () => {
  await using server = await PlayedServer.start()
  server.firstAnswer = 'none'
  using load = await Load.open(ADDRESS, 'test01')
  const common = { server: server.endpoint, presentities: { first: 0, count: 4 }, outstanding: 2 }
  const report = (await load.run({ kind: 'publish', ...common, until: { operations: 2 } })) as LoadReport
  assert.equal(report.operations, 2)
  assert.equal(report.resent, 2)
  assert(report.p50Ms >= 500)
})

test('a probe sends the same request until it is not refused any more', async () => {
  await using server = await PlayedServer.start()
  server.firstAnswer = '503'
  using load = await Load.open(ADDRESS, 'test02')
  const work = { kind: 'probe', server: server.endpoint, presentities: [1, 2, 3], eachMs: 20 } as const
  const report = (await load.run(work)) as ProbeReport
  assert.equal(report.answeredMs.filter((atMs) => atMs !== null).length, 3)
  assert.deepEqual(report.failures, {})
  assert.equal(server.publications, 3)
})
