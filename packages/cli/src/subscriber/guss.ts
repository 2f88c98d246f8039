import type { Guss } from '@rollcall/proto-gen/zh'
import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { InputFileError, UsageError } from '../errors.ts'
import { withSubscriberAdmin } from './admin-client.ts'
import { readJsonFile } from './read-json.ts'

/** As an operator writes them (TS 29.109 annex A, without the XML). */
interface GussJson {
  readonly lifeTime: number
  readonly ussList: readonly {
    readonly id: number
    readonly type: number
    readonly nafGroup: string
    readonly uids: readonly string[]
    readonly flags: readonly number[]
  }[]
}

/** `rollcall subscriber guss show IMPI` */
export async function showGuss(invocation: Invocation): Promise<void> {
  const { output } = invocation
  const impi = readImpi(invocation)
  const { guss, isProvisioned } = await withSubscriberAdmin(invocation, (client) =>
    callUnary(client.getGuss.bind(client), { impi }),
  )
  const json = writeGuss(guss)
  const origin = isProvisioned ? 'as provisioned' : "made from the user's identities"
  output.tell(`${JSON.stringify(json, undefined, 2)}\n${origin}`, { event: 'guss', impi, isProvisioned, guss: json })
}

/** `rollcall subscriber guss set IMPI` */
export async function setGuss(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const impi = readImpi(invocation)
  const file = options.text('file')
  const isDefault = options.flag('default')
  if ((file === undefined) === !isDefault) throw new UsageError('give --file or --default')
  const wanted = file === undefined ? undefined : readGuss(await readJsonFile(file), file)
  const { guss } = await withSubscriberAdmin(invocation, (client) =>
    callUnary(client.setGuss.bind(client), { impi, guss: wanted }),
  )
  const json = writeGuss(guss)
  output.tell(`${impi}, from the next bootstrapping on:\n${JSON.stringify(json, undefined, 2)}`, {
    event: 'guss-set',
    impi,
    guss: json,
  })
}

function readImpi({ options }: Invocation): string {
  const [impi = ''] = options.positionals
  if (!/^[^@\s]+@[^@\s]+$/.test(impi)) throw new UsageError(`'${impi}' is no private identity`)
  return impi
}

function writeGuss(guss: Guss | undefined): GussJson {
  const { lifetimeSeconds = 0, uss = [] } = guss ?? {}
  return {
    lifeTime: lifetimeSeconds,
    ussList: uss.map(({ gsid, type, nafGroup, uids, flags }) => ({ id: gsid, type, nafGroup, uids, flags })),
  }
}

/** @throws InputFileError with every problem. */
function readGuss(json: unknown, file: string): Guss {
  const problems: string[] = []
  const { lifeTime = 0, ussList = [] } = fieldsOf(json)
  if (!isWhole(lifeTime)) problems.push('lifeTime must be a whole number of seconds')
  if (!Array.isArray(ussList)) problems.push('ussList must be a list')
  const uss = (Array.isArray(ussList) ? ussList : []).map((one: unknown, at) => {
    const { id, type = id, nafGroup = '', uids = [], flags = [] } = fieldsOf(one)
    const where = `ussList[${at}]`
    if (!isWhole(id) || !isWhole(type)) problems.push(`${where} needs a number as id, and as type`)
    if (typeof nafGroup !== 'string') problems.push(`${where}.nafGroup must be a text`)
    if (!Array.isArray(uids) || !uids.every((uid) => typeof uid === 'string'))
      problems.push(`${where}.uids must be texts`)
    if (!Array.isArray(flags) || !flags.every(isWhole)) problems.push(`${where}.flags must be whole numbers`)
    return {
      gsid: Number(id),
      type: Number(type),
      nafGroup: String(nafGroup),
      uids: listOf(uids, String),
      flags: listOf(flags, Number),
    }
  })
  if (problems.length > 0) throw new InputFileError(file, problems)
  return { lifetimeSeconds: Number(lifeTime), uss }
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? Object.fromEntries(Object.entries(json)) : {}
}

function listOf<T>(list: unknown, convert: (item: unknown) => T): T[] {
  return Array.isArray(list) ? list.map(convert) : []
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
