// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/progress.hpp"
#include "loewner/compress/options.hpp"
#include "loewner/compress/report_data.hpp"
#include "loewner/compress/selection.hpp"
#include "loewner/compress/stage_use.hpp"
#include "loewner/model/input_moments.hpp"
#include "loewner/plan/encode.hpp"

namespace loewner {

/// What CompressSession::plan() decides for a selected tensor.
struct PlannedTensor {
  bool is_copied = false;                   ///< no encoding is smaller than the tensor
  std::optional<Index> max_bytes{};         ///< of the arrays; none with CompressOptions::max_error
  std::optional<double> max_error{};        ///< of the options
  std::optional<double> predicted_error{};  ///< relative squared error of the candidate, if any
};

/// What moments of a layer's inputs are for: a layer is planned by those of the original model, and
/// encoded with those of the partly encoded one.
enum class MomentsUse { plan, code };

/// The importance of tensors that a session keeps.
struct KeptImportance {
  std::map<std::size_t, double> of_tensors{};  ///< by number
  Json record{};                               ///< what the caller needs to know when it resumes
};

/// An encoding that was tried and not kept.
struct TriedEncoding {
  Matrix<float> decoded;
  Index bytes = 0;  ///< of the arrays
};

/// compress() in steps, for callers that decide between the tensors: the moments of a layer's
/// inputs depend on the layers that were encoded before.
///
///     survey each tensor -> plan -> encode each tensor, in any order -> finish
///
/// Finished encodings lie in OUTPUT.partial/, where a session with the same options resumes them
/// (IfExists::resume). A session that ends without finish() removes them, unless keep_parts() was
/// called. Several processes may make the parts of one output (StageUse::worker); they share them
/// and what they know of the plan, and leave both.
///
/// Several threads may survey, try, encode and decode different tensors at the same time.
///
/// Accuracy  errors in the report are measured on the written numbers, as by compress(); those of
///           candidates() and plan() are predicted.
class CompressSession {
 public:
  /// Opens the model and the unfinished output.
  ///
  /// `work` is what the caller decides and the options do not tell, such as a hash of a calibration
  /// text: only the same work is resumed.
  ///
  /// Errors    those of compress() on options, the model and the output folder.
  explicit CompressSession(CompressOptions options, const std::string& work = {}, StageUse use = StageUse::alone);
  ~CompressSession();
  CompressSession(const CompressSession&) = delete;
  CompressSession& operator=(const CompressSession&) = delete;

  /// Whether nothing is written: encode() and decoded() are refused, and finish() predicts.
  bool is_dry_run() const;

  /// Whether an earlier run finished the output: only finish() is left to call.
  bool is_complete() const;

  /// Hash of the model, by which a moments file names it.
  std::string model_fingerprint() const;

  /// The selected tensors; a tensor's number is its place here.
  const std::vector<SelectedTensor>& tensors() const;

  /// Whether an earlier run encoded the tensor.
  bool is_done(std::size_t tensor) const;

  /// Whether the stage holds the tensor's encoding now, or that it is copied because no encoding
  /// meets its budget.
  bool is_made(std::size_t tensor) const;

  /// Whether plan() or a failed encode() left the tensor as it is.
  ///
  /// Errors    InvalidArgument before plan().
  bool is_copied(std::size_t tensor) const;

  /// Whether the stage holds what planning needs to know of the tensor now, or it needs nothing.
  bool is_surveyed(std::size_t tensor) const;

  /// Bytes of memory that encoding the tensor takes, about: its rows and its decoded rows, the
  /// solver and moments, and at most max_memory().
  Index encoding_memory(std::size_t tensor) const;

  /// The limit of resident memory in bytes: that of the options, or half of the machine's memory.
  Index max_memory() const;

  /// Among how many workers the run is divided, for the message about missing parts; 0 if no worker
  /// said so.
  ///
  /// Errors    InvalidArgument in a dry run; IoError when a file cannot be written.
  void keep_worker_count(std::size_t count);
  std::size_t worker_count() const;

  /// The moments of the tensor's inputs in the file of the options; none without.
  ///
  /// Errors    those of MomentsFile::read().
  std::optional<InputMoments> stored_moments(std::size_t tensor) const;

  /// Keeps moments of a tensor's inputs until finish() writes CompressOptions::save_moments, and
  /// for a session that resumes this one. Not for several threads at a time.
  ///
  /// `same_as`: a tensor with the same inputs, whose moments of this use are kept. Only the
  /// correction of `moments` is taken then.
  ///
  /// Accuracy  rounded to float32.
  /// Errors    InvalidArgument in a dry run; IoError when a file cannot be written.
  void keep_moments(std::size_t tensor, MomentsUse use, const InputMoments& moments,
                    std::optional<std::size_t> same_as = {});

  /// What keep_moments() kept for the tensor, here or in an earlier run; none without.
  ///
  /// Errors    InvalidArgument in a dry run; IoError when a file cannot be read.
  std::optional<InputMoments> kept_moments(std::size_t tensor, MomentsUse use) const;

  /// The same for the importance of the plan.
  ///
  /// Errors    InvalidArgument in a dry run; IoError when a file cannot be read or written.
  void keep_importance(const KeptImportance& importance);
  std::optional<KeptImportance> kept_importance() const;

  /// Predicts size and error of the tensor's encodings, for plan(). With moments, codes of linear
  /// layers have relative squared errors of the layer's outputs.
  ///
  /// Cost      that of candidates().
  /// Errors    those of candidates(), and IoError on a non-finite entry; BudgetError when memory is
  ///           too small.
  void survey(std::size_t tensor, const InputMoments* moments);

  /// Surveys a tensor for plan(), with its moments in the file of the options. A worker takes what
  /// another one found, and leaves what it finds to the others.
  ///
  /// Cost      that of candidates(), unless it is known.
  /// Errors    those of survey(). Returns false if another worker is surveying the tensor just now.
  bool survey_for_plan(std::size_t tensor);

  /// What the last survey of the tensor found; empty without one.
  std::vector<Candidate> candidates(std::size_t tensor) const;

  /// Divides the budget of the options among the tensors. Those without a survey are surveyed with
  /// their moments in the file of the options, if the division needs it. May be called again. A
  /// worker leaves all surveys in one file to the others.
  ///
  /// Shapes    importance: for tensors by number, the weight of the relative squared error. result:
  ///           one value for each tensor.
  /// Method    allocate(). An importance that is not given comes from the moments file of the
  ///           options. Otherwise it is the tensor's number of entries, for a token embedding a
  ///           tenth of that, and with moments such that the layer gets the bits that it would get
  ///           without (docs/design/planning.md).
  /// Errors    BudgetError when the budget cannot be met; InvalidArgument on an importance that is
  ///           not positive and finite; those of survey().
  std::vector<PlannedTensor> plan(const std::map<std::size_t, double>& importance = {},
                                  const std::function<void(std::size_t tensor)>& progress = {});

  /// Encodes the tensor within max_bytes, and keeps nothing.
  ///
  /// Cost      that of encode_matrix().
  /// Errors    those of encode_matrix() and survey().
  TriedEncoding try_encoding(std::size_t tensor, Index max_bytes, const InputMoments* moments);

  /// Encodes the tensor as plan() decided, and keeps the encoding. Cheap ones stay in memory until
  /// they are worth a file, or keep_parts(). If no encoding meets the budget, the tensor is copied.
  ///
  /// Cost      that of encode_matrix().
  /// Errors    InvalidArgument before plan(), for a tensor that is copied, and for one that is
  ///           encoded already; those of encode_matrix() and survey().
  void encode(std::size_t tensor, const InputMoments* moments);

  /// The matrix of an encoded tensor, as the stored numbers give it (rows x cols).
  ///
  /// Errors    InvalidArgument unless the tensor is encoded.
  Matrix<float> decoded(std::size_t tensor) const;

  /// Writes the output and publishes it; in a dry run predicts its report.
  ///
  /// `calibration`, objects or null, go into the output's configuration and into the report: for
  /// the model, and for tensors by name.
  ///
  /// Cost      one pass over the files, and of each encoded tensor.
  /// Errors    InvalidArgument unless each tensor that is not copied is encoded, and for an unknown
  ///           name; IoError when a file cannot be written.
  CompressReport finish(const Json& calibration = {}, const std::map<std::string, Json>& of_tensors = {},
                        const ProgressCallback& progress = {});

  /// Saves all encodings and leaves them for a session that resumes this one.
  ///
  /// Errors    IoError when a file cannot be written.
  void keep_parts();

 private:
  void survey_missing(const std::function<void(std::size_t tensor)>& progress);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace loewner
