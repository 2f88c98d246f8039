import { setLogger } from '@grpc/grpc-js'
import { systemRandom } from '@rollcall/core'
import type { z } from 'zod'
import { type Config, loadConfig, sharedShape } from './config.ts'
import { ConfigError, KeyFileError, ListenError, TlsIdentityError } from './errors.ts'
import { loadIdentityHash } from './identity-hash.ts'
import { ProbeServer, type Readiness } from './probes.ts'
import { createRuntime, type Runtime } from './runtime.ts'
import { TlsIdentity } from './tls-identity.ts'
import { shutdownTracing } from './tracing.ts'

/** What the shell needs of a service. */
export interface Service {
  /** Opens everything and begins to serve. It may go on trying to reach what is not there yet: `ready` says so. */
  start(): Promise<void>
  /**
   * Drains: takes nothing new, ends what is under way within its own bound, closes what it opened. It may come while
   * `start` is under way.
   */
  stop(): Promise<void>
  ready(): Readiness
}

/** The settings every service has, and those of its own. */
type ShapeWith<S extends z.ZodRawShape> = typeof sharedShape & S

/** sysexits.h: the configuration is wrong, and trying again changes nothing. */
const EXIT_CONFIG = 78
const EXIT_FAILURE = 1
/** A drain that takes longer than this is stuck. Orchestrators kill after 30 s by default. */
const DRAIN_MS_MAX = 10_000
/** Telemetry that cannot be sent must not hold up the end. */
const FLUSH_MS_MAX = 2_000

/**
 * Runs a service as this process, from its settings to its end: `main.ts` is this call and nothing else.
 *
 * Wrong settings are all listed on stderr, exit 78. SIGTERM and SIGINT drain, exit 0. What nobody expected (an uncaught
 * error, an unhandled rejection) is logged, drains, exit 1.
 */
export async function runService<S extends z.ZodRawShape>(o: {
  name: string
  /** Settings beside the shared ones. */
  shape: S
  create: (config: Config<ShapeWith<S>>, runtime: Runtime) => Promise<Service> | Service
  /** How long a drain may take before the process ends all the same. */
  drainMs?: number
}): Promise<void> {
  const shell = new ServiceShell(o.name, o.drainMs ?? DRAIN_MS_MAX)
  try {
    const config = loadConfig({
      service: o.name,
      shape: { ...sharedShape, ...o.shape } as ShapeWith<S>,
      env: process.env,
    })
    const settings = config as Config<typeof sharedShape>
    const runtime = await openRuntime(o.name, settings)
    await shell.run(runtime, settings.ROLLCALL_PROBE_LISTEN, async () => await o.create(config, runtime))
  } catch (error) {
    await shell.fail(error)
  }
}

async function openRuntime(service: string, settings: Config<typeof sharedShape>): Promise<Runtime> {
  const identity = await TlsIdentity.load({
    certFile: settings.ROLLCALL_TLS_CERT_FILE,
    keyFile: settings.ROLLCALL_TLS_KEY_FILE,
    caFile: settings.ROLLCALL_TLS_CA_FILE,
    trustDomain: settings.ROLLCALL_TRUST_DOMAIN,
  })
  const runtime = createRuntime({
    service,
    identity,
    logLevel: settings.ROLLCALL_LOG_LEVEL,
    hashIdentity: await loadIdentityHash(settings.ROLLCALL_IDENTITY_HASH_KEY_FILE, systemRandom),
  })
  // grpc-js writes to stderr otherwise, in lines that are no JSON.
  setLogger({ error: (...words: unknown[]) => runtime.log.warn({ grpc: words.map(String).join(' ') }, 'grpc says') })
  return runtime
}

/** Signals, probes, and the order of a process's end. */
class ServiceShell {
  readonly #name: string
  readonly #drainMs: number
  #state: 'starting' | 'serving' | 'draining' = 'starting'
  #runtime: Runtime | undefined
  #service: Service | undefined
  #probes: ProbeServer | undefined

  constructor(name: string, drainMs: number) {
    this.#name = name
    this.#drainMs = drainMs
  }

  async run(runtime: Runtime, probeListen: string, create: () => Promise<Service>): Promise<void> {
    this.#runtime = runtime
    const { log, metrics } = runtime
    process.on('uncaughtException', (error) => void this.fail(error))
    process.on('unhandledRejection', (error) => void this.fail(error))
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void this.#end(0, signal))
    metrics.gauge('rollcall_ready', {}, () => (this.#readiness().ready ? 1 : 0))
    this.#probes = await ProbeServer.listen({ listen: probeListen, metrics, ready: () => this.#readiness() })
    const service = await create()
    this.#service = service
    await service.start()
    // A signal may have come while it started: then it is draining, and stays so.
    if (this.#state === 'starting') this.#state = 'serving'
    log.info({ role: runtime.identity.role }, 'serving')
  }

  /** Ends the process for a reason that is nobody's wish. */
  async fail(error: unknown): Promise<void> {
    const isConfig = error instanceof ConfigError || error instanceof TlsIdentityError || error instanceof KeyFileError
    const log = this.#runtime?.log
    if (isConfig || !log) {
      const words = error instanceof Error ? (isConfig ? error.message : (error.stack ?? error.message)) : String(error)
      process.stderr.write(error instanceof ConfigError ? `${words}\n` : `${this.#name}: ${words}\n`)
    } else if (error instanceof ListenError) {
      log.fatal({ err: error }, error.message)
    } else {
      this.#runtime?.metrics.counter('rollcall_unhandled_total', { where: 'process' }).add()
      log.fatal({ err: error }, 'nobody expected this; the process ends')
    }
    await this.#end(isConfig ? EXIT_CONFIG : EXIT_FAILURE, 'failure')
  }

  #readiness(): Readiness {
    switch (this.#state) {
      case 'starting':
        return { ready: false, reasons: ['starting', ...(this.#service?.ready().reasons ?? [])] }
      case 'draining':
        return { ready: false, reasons: ['draining'] }
      case 'serving':
        return this.#service?.ready() ?? { ready: false, reasons: ['starting'] }
    }
  }

  async #end(exitCode: number, why: string): Promise<void> {
    if (this.#state === 'draining') {
      // A failure on the way out changes the code; a second signal changes nothing.
      if (exitCode !== 0) process.exitCode = exitCode
      return
    }
    this.#state = 'draining'
    process.exitCode = exitCode
    this.#runtime?.log.info({ why }, 'draining')
    await within(this.#drainMs, 'drain', async () => await this.#service?.stop(), this.#runtime)
    this.#runtime?.identity[Symbol.dispose]()
    await within(FLUSH_MS_MAX, 'flush', shutdownTracing, this.#runtime)
    await this.#probes?.[Symbol.asyncDispose]()
    this.#runtime?.log.info('ended')
    // What is left open is somebody's leak: it must not keep the process.
    process.exit()
  }
}

async function within(ms: number, what: string, act: () => Promise<void>, runtime: Runtime | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      runtime?.log.error({ what, ms }, 'did not end in its time')
      resolve()
    }, ms)
  })
  try {
    await Promise.race([act(), late])
  } catch (error) {
    runtime?.log.error({ err: error, what }, 'failed on the way out')
    process.exitCode = EXIT_FAILURE
  } finally {
    clearTimeout(timer)
  }
}
