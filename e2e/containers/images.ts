import { createReadStream } from 'node:fs'
import { ROOT } from '@rollcall/deploy/check/root.ts'
import { obtainNatsServer } from '@rollcall/dev-env'
import { type ContainerRuntimeClient, GenericContainer } from 'testcontainers'
import { importBaseImages } from './base-image.ts'

/** Everything that the Dockerfile can make. */
export const IMAGES = ['nats', 'cli', 'hss', 'presence', 'scscf', 'pcscf', 'bsf', 'ap'] as const
export type ImageName = (typeof IMAGES)[number]

const DOCKERFILE = 'deploy/images/Dockerfile'

/** The images of this checkout, under names of their own. */
export class Images {
  readonly #client: ContainerRuntimeClient
  readonly #prefix: string

  private constructor(client: ContainerRuntimeClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
  }

  /** Makes the bases from local files, and the images with the Dockerfile that users build with. */
  static async build(client: ContainerRuntimeClient, prefix: string): Promise<Images> {
    const images = new Images(client, prefix)
    const natsServer = (await obtainNatsServer()).path
    const importImage = async (...args: Parameters<Images['importImage']>) => await images.importImage(...args)
    const bases = await importBaseImages({ natsServer, prefix, importImage })
    // One after the other: the second one finds the first one's steps in the cache.
    for (const name of IMAGES) {
      await GenericContainer.fromDockerfile(ROOT, DOCKERFILE)
        .withBuildArgs({ ...bases, SERVICE: name, REVISION: 'e2e' })
        .build(images.nameOf(name), { deleteOnExit: false })
        .catch((cause: unknown) => {
          // Testcontainers does not say which step failed.
          const how = 'DEBUG=testcontainers:build npm run test:e2e shows each step'
          throw new Error(`the image ${name} cannot be built; ${how}`, { cause })
        })
    }
    return images
  }

  nameOf(image: ImageName): string {
    return `${this.#prefix}/${image}:e2e`
  }

  async inspect(image: ImageName) {
    return await this.#client.container.dockerode.getImage(this.nameOf(image)).inspect()
  }

  /** Makes an image of an archive of files. */
  async importImage(archive: string, name: string, change: string): Promise<void> {
    const [repo, tag] = name.split(':')
    const { dockerode } = this.#client.container
    const answer = await dockerode.importImage(createReadStream(archive), { repo, tag, changes: change })
    await new Promise<void>((resolve, reject) => {
      answer.on('end', resolve)
      answer.on('error', reject)
      answer.resume()
    })
  }
}
