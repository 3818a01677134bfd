// What in a symbol's code tells whose it is.
//
//   G1. A sign is a pattern over the symbol's own source and the words to say it with; it weighs 3 where one is enough, 1 where it only leans.

/** The four roles a partition is proposed for, and the one that owns nothing. */
export const ROLES = ['optimizer', 'architecture', 'data', 'kernel'] as const;
export type Role = (typeof ROLES)[number];
export type Owner = Role | 'protected';

/** A pattern that speaks for an owner. `{}` in `says` stands for what it found. */
interface Sign { readonly owner: Owner; readonly weight: 1 | 2 | 3; readonly pattern: RegExp; readonly says: string }

/** Signs in the code of a function, a class or an assignment. */
export const CODE: readonly Sign[] = [
  { owner: 'architecture', weight: 3, pattern: /^\s*class\s+\w+\s*\([^)]*\b(\w*Module|LightningModule|\w*Model|\w*Layer)\b/m, says: 'a class of {}' },
  { owner: 'architecture', weight: 2, pattern: /\bdef\s+(forward|__call__)\s*\(\s*self/, says: 'defines {}' },
  { owner: 'architecture', weight: 2, pattern: /\b(?:nn|layers)\.(Linear|Conv\w+|Embedding|\w*Norm\w*|Dropout\w*|Sequential|ModuleList|Transformer\w*|LSTM|GRU|MultiheadAttention|Dense)\b/, says: 'builds {}' },
  { owner: 'architecture', weight: 1, pattern: /\b(?:F|functional|torch)\.(relu|gelu|silu|softmax|max_pool\w*|avg_pool\w*|scaled_dot_product_attention|layer_norm)\b/, says: 'computes {}' },
  { owner: 'optimizer', weight: 3, pattern: /\b(?:torch\.)?optim\.(?:lr_scheduler\.)?([A-Z]\w+)/, says: 'makes {}' },
  { owner: 'optimizer', weight: 3, pattern: /\b(\w*(?:Adam|SGD|RMSprop|Adagrad|LBFGS|Muon|Lion)\w*|\w+LR|get_\w*schedule\w*)\s*\(/, says: 'calls {}' },
  { owner: 'optimizer', weight: 3, pattern: /\.(backward|zero_grad)\s*\(/, says: 'calls {}: it trains' },
  { owner: 'optimizer', weight: 2, pattern: /\b(clip_grad\w*|\w*optimi[sz]er\.step|\w*scheduler\.step|gradients?)\b/, says: 'uses {}' },
  { owner: 'optimizer', weight: 1, pattern: /\b(lr|learning_rate|momentum|weight_decay|betas?|warmup\w*)\s*[=*]/, says: 'sets {}' },
  { owner: 'data', weight: 3, pattern: /\b(DataLoader|TensorDataset|ImageFolder|load_dataset|read_csv|fromfile|memmap|loadtxt|read_parquet|genfromtxt)\s*\(/, says: 'calls {}' },
  { owner: 'data', weight: 3, pattern: /^\s*class\s+\w+\s*\([^)]*\b(\w*Dataset|\w*Sampler)\b/m, says: 'a class of {}' },
  { owner: 'data', weight: 2, pattern: /\b(transforms\.[A-Z]\w+|datasets\.[A-Z]\w+|tokeni[sz]e\w*|train_test_split|RandomCrop|\.shuffle|\.permutation|randperm)\b/, says: 'uses {}' },
  { owner: 'data', weight: 1, pattern: /\b(np\.load|torch\.load|open|randint|random\.choice|augment\w*)\s*\(/, says: 'calls {}' },
  { owner: 'kernel', weight: 3, pattern: /\b(autocast|GradScaler|torch\.compile|torch\.jit\.\w+|triton\.jit|set_float32_matmul_precision|allow_tf32|cudnn\.benchmark|set_num_threads|channels_last|quantize\w*|cuda\.graph\w*)\b/, says: 'uses {}' },
  { owner: 'kernel', weight: 1, pattern: /\b(bfloat16|float16|pin_memory|num_workers|non_blocking)\b/, says: 'mentions {}' },
  { owner: 'protected', weight: 3, pattern: /\b(torch\.no_grad|inference_mode|\w*[Mm]odel\.eval)\s*\(/, says: 'measures: it calls {}' },
  { owner: 'protected', weight: 1, pattern: /\b(wandb\.\w+|SummaryWriter|torch\.save|manual_seed|random\.seed)\b/, says: 'uses {}' },
];

/** Signs in a name: of a function, a class, an assignment, or a command-line option. */
export const NAME: readonly Sign[] = [
  { owner: 'protected', weight: 3, pattern: /(seed)s?$/i, says: 'a {} is the evaluator\'s' },
  { owner: 'protected', weight: 3, pattern: /^(?:run_|do_|compute_|estimate_|get_)?(eval(?:uat\w*)?|valid\w*|val|test\w*|metrics?|accuracy|score\w*|estimate_loss)(?=$|[_-]|[A-Z\d])/i, says: 'its name says that it measures' },
  { owner: 'protected', weight: 3, pattern: /(?:^|_)(num|count|counter|idx|index)$/i, says: 'its name, {}, is a count' },
  { owner: 'protected', weight: 3, pattern: /(?:^|[_-])(log|logging|eval|save|checkpoint|ckpt|wandb|device|out|dir|path|resume|init_from|verbose|cuda|gpu|accel|host|port|backend|time|timer|elapsed|dry[_-]run|run[_-]name|project)(?:$|[_-])/i, says: 'its name, {}, is no part of a recipe' },
  { owner: 'kernel', weight: 3, pattern: /(?:^|[_-])(compile|dtype|precision|amp|fp16|bf16|tf32|threads|workers|quant\w*|fused|pin_memory)(?:$|[_-])/i, says: 'its name, {}' },
  { owner: 'data', weight: 3, pattern: /(?:^|[_-])(batch\w*|block_size|seq\w*|bptt|window|context\w*|data\w*|loader\w*|augment\w*|crop|flip|vocab\w*|token\w*|shuffle|sampl\w*|split|corpus|images?|points|examples|transform\w*)(?:$|[_-])/i, says: 'its name, {}' },
  { owner: 'optimizer', weight: 3, pattern: /(?:^|[_-])(lr|learning_rate|learning-rate|wd|weight[_-]decay|momentum|betas?\d?|beta[12]|gamma|eps|warmup\w*|decay\w*|schedul\w*|optim\w*|grad\w*|clip\w*|epochs?|steps?|iters?|iterations|patience|ema)(?:$|[_-])|^(?:(?:base|init|initial|peak|max|min|step)_)?rate$/i, says: 'its name, {}' },
  { owner: 'architecture', weight: 3, pattern: /(?:^|[_-])(n_?layers?|layers?|n_?heads?|heads?|n_?embd?|embed\w*|hidden\w*|width|depth|dim|d_model|dropout|channels|kernel_size|bias|model\w*|net|network|blocks?|mlp|attention|activation|gelu|relu|norm\w*|init\w*|encoder|decoder|filters|units)(?:$|[_-])/i, says: 'its name, {}' },
];

/** What speaks for each owner. */
export interface Weighed { readonly owner: Owner; readonly weight: number; readonly reasons: readonly string[] }

/** Weighs signs over a text, the heaviest owner first; owners without a sign are not listed. */
export function weigh(signs: readonly Sign[], text: string): readonly Weighed[] {
  const sums = new Map<Owner, { weight: number; reasons: string[] }>();
  for (const { owner, weight, pattern, says } of signs) {
    const found = pattern.exec(text);
    if (!found) continue;
    const sum = sums.get(owner) ?? { weight: 0, reasons: [] };
    sums.set(owner, { weight: sum.weight + weight, reasons: [...sum.reasons, says.replace('{}', (found[1] ?? found[0]).replaceAll('-', '_'))] });
  }
  return [...sums].map(([owner, sum]) => ({ owner, ...sum })).sort((a, b) => b.weight - a.weight);
}
