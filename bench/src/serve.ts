import { once } from 'node:events'
import { DOMAIN, type Endpoint, formatEndpoint, SERVE_ADDRESS } from './addresses.ts'
import { PresenceProcess } from './rollcall/presence-process.ts'
import { BenchStore } from './rollcall/store.ts'

/**
 * NATS and one Presence Server with plain SIP, until SIGINT or SIGTERM: for any SIP generator. Durable as everywhere:
 * each 2xx stands on an fsynced append.
 */
export async function serve(sip: Endpoint): Promise<void> {
  await using store = await BenchStore.start(SERVE_ADDRESS, ['presence'])
  await using presence = await PresenceProcess.start({ store: store.store, address: SERVE_ADDRESS, sip })
  console.log(describeServing(sip, { presence: presence.process.pid, nats: store.pid }))
  const stop = new AbortController()
  const { signal } = stop
  const ended = once(presence.process.child, 'exit', { signal }).then(() => {
    throw new Error('the Presence Server has ended')
  })
  try {
    await Promise.race([once(process, 'SIGINT', { signal }), once(process, 'SIGTERM', { signal }), ended])
  } finally {
    stop.abort()
    ended.catch(() => {})
    // Its data goes with it: there is nothing to hand over.
    await presence.process.kill()
  }
}

/** What stands there and what to send it. */
export function describeServing(sip: Endpoint, pids: { readonly presence: number; readonly nats: number }): string {
  const at = formatEndpoint(sip)
  return `The Presence Server takes plain SIP at udp:${at} (pid ${pids.presence}; nats-server ${pids.nats}), fsync on every append.
UNPROTECTED: who asks is who From says. Every identity of ${DOMAIN} is a user whom everybody may watch.

  PUBLISH sip:ANYTHING@${DOMAIN}    From: <sip:ANYTHING@${DOMAIN}>, Event: presence, application/pidf+xml
  SUBSCRIBE sip:ANYTHING@${DOMAIN}  From: <sip:ANYBODY@${DOMAIN}>, Event: presence, a Contact with an address and a port,
                                     which NOTIFYs come to by UDP and are answered from
  for example with Debian's sip-tester, 64 calls under way at a time:
    sipp ${at} -sf bench/sipp/publish.xml -i 127.0.0.1 -r 20000 -l 64 -m 20000
    sipp ${at} -sf bench/sipp/subscribe.xml -i 127.0.0.1 -r 20000 -l 64 -m 20000
Changes are told at once, with no interval between two NOTIFYs. Ctrl-C ends it and removes its data.`
}
