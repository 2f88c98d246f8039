import { parseArgs } from 'node:util'
import type { Secret } from '@rollcall/core'
import { type NatsServerBinary, obtainNatsServer } from '@rollcall/dev-env'
import { prepareWorld, provisionWorld, runStory, type World } from '@rollcall/e2e/story'
import { gmTimers } from '@rollcall/ue'
import type { ServiceProcess } from './child.ts'
import { DataFolder } from './data-folder.ts'
import { fetchAllMetrics } from './metrics.ts'
import { Operator } from './operator.ts'
import { OtlpReceiver } from './otlp-receiver.ts'
import { REPLICAS_MAX } from './processes.ts'
import { Report } from './report.ts'
import { ENCAPSULATION_PORT, LocalStack, PORT_PS, SIP_PORT } from './stack.ts'

const REALM = 'ims.mnc001.mcc001.3gppnetwork.org'
const ADDRESS = '127.0.0.1'
const ATTACKER_ADDRESS = '127.0.1.66'
/** A process that ends by itself is started again after this, as an orchestrator would. */
const RESTART_MS = 1_000

const USAGE = `usage: npm start [-- --once] [-- --report FILE] [-- --replicas N]
Starts NATS and every service of Rollcall on this machine, plays the story with real UEs, and stays up until Ctrl-C.
  --once         end after the story: exit 0, or 1 when a step failed
  --report FILE  write the steps as JSON
  --replicas N   N processes each of Presence Server and S-CSCF, which share the presentities and registrations
The data is kept in $ROLLCALL_DATA_DIR, by default .rollcall; remove it to begin anew.`

async function main(): Promise<void> {
  const { once, report: reportFile, replicas } = readArguments()
  const report = new Report()
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal))
  const runner = new Runner(report, replicas, stop.signal)
  let isGood = false
  try {
    isGood = await runner.play()
  } catch (error) {
    if (report.steps.at(-1)?.ok !== false) console.error(error)
  }
  if (reportFile) report.write(reportFile)
  if (isGood && !once && !stop.signal.aborted) {
    console.log(STAYING)
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
  }
  if (stop.signal.aborted) console.log('draining')
  await runner.end()
  process.exitCode = isGood || (stop.signal.aborted && !once) ? 0 : 1
}

const STAYING = `
It stays up. In another terminal, as a person with an ISIM of one's own:
  npm run rollcall -- ue watch sip:alice@${REALM} --as bob
  npm run rollcall -- ue publish --as alice --basic open --note "At lunch"
  npm run rollcall -- ue rules polite-block bob   (or allow, block, confirm; ue rules show)
  npm run rollcall -- ue watchers
  npm run rollcall -- why alice bob
  npm run rollcall -- subscriber list
Ctrl-C drains and ends everything.`

/** From an empty folder to a story that was told; each part is a step of the report. */
class Runner {
  readonly #report: Report
  readonly #replicas: number
  readonly #signal: AbortSignal
  readonly #data = new DataFolder()
  #otlp: OtlpReceiver | undefined
  #stack: LocalStack | undefined
  #operator: Operator | undefined
  #isEnding = false

  constructor(report: Report, replicas: number, signal: AbortSignal) {
    this.#report = report
    this.#replicas = replicas
    this.#signal = signal
  }

  /** Gives whether every step went well. */
  async play(): Promise<boolean> {
    const report = this.#report
    this.#tellInstall()
    let binary: NatsServerBinary | undefined
    await report.run('nats', async () => {
      binary = await obtainNatsServer({ log: (line) => console.log(`  ${line}`) })
      return `nats-server ${binary.version}, ${binary.how}.`
    })
    let key: Secret | undefined
    await report.run('pki', async () => {
      key = await this.#data.prepare()
      await LocalStack.createTrustDomain({ data: this.#data, realm: REALM, address: ADDRESS })
      return `a development trust domain and its keys are in ${this.#data.path}/secrets.`
    })
    if (!binary || !key || this.#signal.aborted) return false
    const stack = await this.#create(key, binary.path)
    await report.run('start', async () => {
      await stack.start()
      const pids = stack.processes.map((process) => `${this.#labelOf(process)} ${process.pid}`).join(', ')
      return `NATS (TLS, an account a service, encrypted at rest, every write fsynced) and ${pids} are ready.`
    })
    if (this.#signal.aborted) return false
    const operator = await Operator.of(stack)
    this.#operator = operator
    const world = await this.#provision(operator, stack)
    return await this.#tell(stack, operator, world)
  }

  /** Ends what was started, the newest first. */
  async end(): Promise<void> {
    this.#isEnding = true
    this.#operator?.[Symbol.dispose]()
    await this.#stack?.stop()
    await this.#otlp?.[Symbol.asyncDispose]()
  }

  /** The door has installed; it says how it went. */
  #tellInstall(): void {
    const [how = 'present', ms = '0'] = (process.env.ROLLCALL_INSTALL_RESULT ?? '').split(' ')
    const detail = `${how === 'installed' ? 'packages installed' : 'packages are there'}; Node ${process.versions.node}.`
    this.#report.add({ step: 'install', ok: true, ms: Number(ms), protection: '', detail })
  }

  async #create(key: Secret, natsBinary: string): Promise<LocalStack> {
    const otlp = await OtlpReceiver.listen(ADDRESS)
    this.#otlp = otlp
    const options = {
      data: this.#data,
      realm: REALM,
      address: ADDRESS,
      replicas: { presence: this.#replicas, scscf: this.#replicas },
      otlpEndpoint: otlp.endpoint,
      onExit: (name: string, how: string) => this.#restart(name, how),
    }
    const stack = await LocalStack.create(options, key, natsBinary)
    this.#stack = stack
    return stack
  }

  async #provision(operator: Operator, stack: LocalStack): Promise<World> {
    const world = await prepareWorld({
      folder: this.#data.ue,
      domain: REALM,
      pcscf: { address: ADDRESS, port: SIP_PORT },
      encapsulation: { address: ADDRESS, port: ENCAPSULATION_PORT },
      ut: stack.ut,
    })
    await this.#report.run('provision', async () => {
      const { added, present } = await provisionWorld(world, (subscriber) => operator.addSubscriber(subscriber))
      const parts = [
        ...(added.length > 0 ? [`the HSS was told of ${added.join(', ')}`] : []),
        ...(present.length > 0 ? [`${present.join(', ')} were known already`] : []),
      ]
      return `${parts.join('; ')}.`
    })
    return world
  }

  async #tell(stack: LocalStack, operator: Operator, world: World): Promise<boolean> {
    return await runStory(
      {
        world,
        timers: gmTimers(2_000),
        portPs: PORT_PS,
        attackerAddress: ATTACKER_ADDRESS,
        admin: operator,
        ut: operator,
        metrics: (service) => fetchAllMetrics(stack.replicas(service).map(({ probe }) => probe)),
        traces: this.#otlp,
      },
      { report: (step) => this.#report.add(step), log: (line) => console.log(line), signal: this.#signal },
    )
  }

  /** One of its kind needs no number. */
  #labelOf({ name, service }: ServiceProcess): string {
    return this.#replicas > 1 ? name : service
  }

  #restart(name: string, how: string): void {
    if (this.#isEnding || this.#signal.aborted) return
    console.error(`${name} ended ${how}; see ${this.#data.logFile(name)}. It is started again.`)
    setTimeout(() => {
      if (this.#isEnding) return
      if (name === 'nats') void this.#stack?.nats.start().catch((error: unknown) => console.error(String(error)))
      else this.#stack?.process(name)?.spawn()
    }, RESTART_MS)
  }
}

function readArguments(): { once: boolean; report: string | undefined; replicas: number } {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: 'boolean' },
        report: { type: 'string' },
        replicas: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) {
      console.log(USAGE)
      process.exit(0)
    }
    const replicas = Number(values.replicas ?? 1)
    if (!Number.isInteger(replicas) || replicas < 1 || replicas > REPLICAS_MAX)
      throw new RangeError(`--replicas takes a number from 1 to ${REPLICAS_MAX}`)
    return { once: values.once ?? false, report: values.report, replicas }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    process.exit(2)
  }
}

if (process.platform === 'linux') await main()
else {
  console.error(
    `npm start runs on Linux: the story needs an address of the loopback network for each UE, and ${process.platform} has one only.`,
  )
  process.exitCode = 1
}
