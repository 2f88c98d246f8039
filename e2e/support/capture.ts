import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { waitUntil } from '@rollcall/deploy/local/metrics.ts'

const run = promisify(execFile)

/** What the packet says that ends a capture, and the port it goes to: the discard service, where nobody is. */
const MARKER = 'the last packet of this capture'
export const MARKER_PORT = 9

/** Why a capture cannot be made here; nothing when it can. It takes tshark and CAP_NET_RAW. */
export function captureImpossible(): string | undefined {
  const tshark = spawnSync('tshark', ['--version'])
  if (tshark.error) return 'tshark is not installed'
  const interfaces = spawnSync('dumpcap', ['-i', 'lo', '-a', 'packets:0', '-w', '/dev/null'], { timeout: 5_000 })
  const words = interfaces.stderr?.toString() ?? ''
  return /permission|not permitted|no such device/i.test(words) ? 'no right to capture on lo (CAP_NET_RAW)' : undefined
}

/** A capture of the loopback interface, by Wireshark's own program. */
export class Capture {
  readonly #child: ChildProcess
  readonly #file: string

  private constructor(child: ChildProcess, file: string) {
    this.#child = child
    this.#file = file
  }

  /** @param filter in the capture filter language. */
  static async start(file: string, filter: string): Promise<Capture> {
    const child = spawn('dumpcap', ['-q', '-i', 'lo', '-f', filter, '-w', file, '-s', '0', '-B', '8'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await new Promise<void>((resolve, reject) => {
      let words = ''
      child.stderr?.on('data', (chunk: Buffer) => {
        words += chunk.toString('utf8')
        if (words.includes('File: ')) resolve()
      })
      child.once('exit', () => reject(new Error(`dumpcap ended: ${words}`)))
    })
    return new Capture(child, file)
  }

  /**
   * Ends the capture when everything sent so far is in it: the kernel hands packets over in blocks, so a last packet is
   * sent from `o.from` to `o.to` and waited for.
   */
  async stop(o: { from: string; to: string }): Promise<void> {
    await sendMarker(o)
    await waitUntil(
      'the last packet is in the capture',
      async () => (await readFile(this.#file)).includes(MARKER),
      20_000,
    )
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGINT')
    await ended
  }

  /** Dissects the capture: one row a packet that `display` selects, with `fields`. */
  async dissect(o: {
    display: string
    fields: readonly string[]
    encapsulationPort: number
    sipPort: number
    /** File of `esp_sa` lines, as a UE's key log has them. */
    keyLogFile?: string
  }): Promise<string[][]> {
    const keys = o.keyLogFile ? (await readFile(o.keyLogFile, 'utf8')).split('\n').filter((line) => line !== '') : []
    const { stdout } = await run(
      'tshark',
      [
        '-r',
        this.#file,
        '-d',
        `udp.port==${o.encapsulationPort},udpencap`,
        '-d',
        `udp.port==${o.sipPort},sip`,
        ...(keys.length > 0
          ? ['-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE']
          : []),
        ...keys.flatMap((line) => ['-o', `uat:esp_sa:${line}`]),
        '-Y',
        o.display,
        '-T',
        'fields',
        ...o.fields.flatMap((field) => ['-e', field]),
      ],
      { maxBuffer: 64 * 1024 * 1024 },
    )
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'))
  }
}

async function sendMarker(o: { from: string; to: string }): Promise<void> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind({ address: o.from, port: 0 }, resolve))
  await new Promise<void>((resolve, reject) =>
    socket.send(MARKER, MARKER_PORT, o.to, (error) => (error ? reject(error) : resolve())),
  )
  socket.close()
}
