import { type Document, type Json, operationsOf } from './types.ts';

const TASK_ID = '64f8d2c7e4a1b37f8a9c5d12';
const ASSET_ID = '6633025f1ba7d3e01f6ea1b2';
const UPLOAD_ID = '67a1b2c3d4e5f6a7b8c9d0e1';
const CREATED_AT = '2026-01-31T10:00:00.000Z';
const PAGE_INFO = { limit_per_page: 10, page: 1, total_page: 1, total_results: 1 };
const CHUNK_LINK = {
  chunk_index: 1,
  url: `http://127.0.0.1:1212/v1.3/assets/multipart-uploads/${UPLOAD_ID}/chunks/1?expires=1769860800&signature=abc`,
  expires_at: '2026-01-31T11:00:00.000Z',
};
const ASSET = {
  _id: ASSET_ID,
  method: 'direct',
  status: 'ready',
  filename: 'film.mp4',
  file_type: 'video/mp4',
  created_at: CREATED_AT,
};

interface Example {
  /** Path and query parameters, by name. */
  readonly parameters?: Readonly<Record<string, Json>>;
  /** Body of the successful response. */
  readonly answer?: Json;
}

const TASK_PATH = { task_id: TASK_ID };
const ASSET_PATH = { asset_id: ASSET_ID };
const UPLOAD_PATH = { upload_id: UPLOAD_ID };

/** Example responses and parameters, by operation. Example requests are beside the body schemas. */
export const EXAMPLES: Readonly<Record<string, Example>> = {
  create: {
    answer: { _id: TASK_ID, status: 'processing', data: null },
  },
  createEmbedding: {
    answer: {
      data: [
        { embedding: [0.0213, -0.0071], embedding_option: null, embedding_scope: null, start_sec: null, end_sec: null },
      ],
    },
  },
  createTextImageAudioEmbeddings: {
    answer: { model_name: 'marengo3.0', text_embedding: { segments: [{ float: [0.0213, -0.0071] }] } },
  },
  createOpenAiEmbeddings: {
    answer: {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.0213, -0.0071] }],
      model: 'marengo3.0',
      usage: { prompt_tokens: 5, total_tokens: 5 },
    },
  },
  createVideoTask: { answer: { _id: TASK_ID } },
  retrieveVideoTask: { parameters: TASK_PATH },
  retrieveVideoTaskStatus: {
    parameters: TASK_PATH,
    answer: {
      _id: TASK_ID,
      model_name: 'marengo3.0',
      status: 'processing',
      created_at: CREATED_AT,
      updated_at: CREATED_AT,
      warnings: [],
    },
  },
  listTasks: {
    answer: {
      data: [
        {
          _id: TASK_ID,
          model_name: 'marengo3.0',
          status: 'ready',
          created_at: CREATED_AT,
          updated_at: CREATED_AT,
          video_embedding: {
            metadata: {
              input_filename: 'film.mp4',
              duration: 12.1,
              video_embedding_scope: ['clip', 'asset'],
              video_embedding_option: ['visual', 'audio'],
            },
          },
        },
      ],
      page_info: PAGE_INFO,
    },
  },
  retrieveTask: {
    parameters: TASK_PATH,
    answer: {
      _id: TASK_ID,
      status: 'ready',
      created_at: CREATED_AT,
      updated_at: CREATED_AT,
      metadata: {
        input_type: 'video',
        input_filename: 'film.mp4',
        embedding_scopes: ['clip', 'asset'],
        embedding_options: ['visual', 'audio'],
        duration: 12.1,
        start_offset_sec: 0,
        end_offset_sec: 12.1,
        bundle: 'signal@1',
      },
      warnings: [],
      data: [
        {
          embedding: [0.0213, -0.0071],
          embedding_option: 'visual',
          embedding_scope: 'clip',
          start_sec: 0,
          end_sec: 4.2,
        },
      ],
    },
  },
  deleteTask: { parameters: TASK_PATH },
  followTask: { parameters: TASK_PATH },
  createAsset: {
    answer: { ...ASSET, method: 'url', status: 'processing' },
  },
  listAssets: { answer: { data: [{ ...ASSET, size: 5_253_880, duration: 12.1 }], page_info: PAGE_INFO } },
  retrieveAsset: { parameters: ASSET_PATH, answer: { ...ASSET, size: 5_253_880, duration: 12.1 } },
  deleteAsset: { parameters: ASSET_PATH },
  retrieveThumbnail: { parameters: ASSET_PATH },
  updateUserMetadata: { parameters: ASSET_PATH },
  replaceUserMetadata: { parameters: ASSET_PATH },
  deleteUserMetadata: { parameters: ASSET_PATH },
  createMultipartUpload: {
    answer: {
      upload_id: UPLOAD_ID,
      asset_id: ASSET_ID,
      upload_urls: [CHUNK_LINK],
      upload_headers: { 'Content-Type': 'application/octet-stream' },
      chunk_size: 8_388_608,
      total_chunks: 1,
      expires_at: '2026-02-01T10:00:00.000Z',
    },
  },
  retrieveMultipartUpload: { parameters: UPLOAD_PATH },
  createPresignedUrls: {
    parameters: UPLOAD_PATH,
    answer: {
      upload_id: UPLOAD_ID,
      start_index: 1,
      count: 1,
      upload_urls: [CHUNK_LINK],
      generated_at: CREATED_AT,
      expires_at: CHUNK_LINK.expires_at,
    },
  },
  reportChunks: {
    parameters: UPLOAD_PATH,
    answer: { asset_id: ASSET_ID, processed_chunks: 1, duplicate_chunks: 0, total_completed: 1 },
  },
  health: { answer: { status: 'ok' } },
  readiness: { answer: { status: 'ok', bundle: 'signal@1' } },
};

/** Adds the examples to the document. `/docs` prefills its forms with them. */
export function addExamples(document: Document): void {
  for (const { operationId, parameters, responses } of operationsOf(document)) {
    const example = EXAMPLES[operationId];
    for (const parameter of parameters ?? []) {
      const value = example?.parameters?.[parameter.name];
      if (value !== undefined) parameter.example = value;
    }
    const done = Object.keys(responses).find((status) => /^2/.test(status));
    const answer = responses[done!]?.content?.['application/json'];
    if (answer && example?.answer !== undefined) answer.example = example.answer;
  }
}
