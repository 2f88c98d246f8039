// HEALTHCHECK of every image: asks the process beside it whether it lives. Services answer at /livez of their probe listener,
// nats-server at /healthz of its monitor, which is on loopback alone. Commands that end by themselves have neither.
const { ROLLCALL_PROBE_LISTEN, ROLLCALL_NATS_MONITOR_LISTEN, ROLLCALL_SERVICE_NAME } = process.env

const natsListen = ROLLCALL_SERVICE_NAME === 'nats' ? (ROLLCALL_NATS_MONITOR_LISTEN ?? '127.0.0.1:8222') : undefined
const listen = ROLLCALL_PROBE_LISTEN ?? natsListen
// Streams may lack a leader while servers of a cluster start; that is no reason to end one of them.
const path = natsListen ? '/healthz?js-server-only=true' : '/livez'

try {
  if (listen) {
    const host = listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')
    const answer = await fetch(`http://${host}${path}`, { signal: AbortSignal.timeout(2_500) })
    if (!answer.ok) throw new Error(`answered ${answer.status}`)
  }
} catch (error) {
  console.error(`${listen}: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
