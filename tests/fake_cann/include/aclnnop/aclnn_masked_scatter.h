// ascend-api.md, section 3.8.
#ifndef ACLNNOP_ACLNN_MASKED_SCATTER_H_
#define ACLNNOP_ACLNN_MASKED_SCATTER_H_

#include "aclnn/aclnn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

aclnnStatus aclnnInplaceMaskedScatterGetWorkspaceSize(aclTensor *selfRef, const aclTensor *mask,
                                                      const aclTensor *source, uint64_t *workspaceSize,
                                                      aclOpExecutor **executor);
aclnnStatus aclnnInplaceMaskedScatter(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor,
                                      aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif
