import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * WindowPlays PLAYS ANSWERS PARALLELISM: a DataStream job in one process, in Flink's fastest common shape: tuples, objects
 * reused, state on the heap, incremental aggregation, no checkpoints. One task reads the file, whose order is the order of
 * arrival; windows are spread over PARALLELISM tasks by track.
 */
public final class WindowPlays {
    private static final TypeInformation<Tuple4<Long, String, String, Integer>> PLAY =
            Types.TUPLE(Types.LONG, Types.STRING, Types.STRING, Types.INT);

    public static void main(String[] arguments) throws Exception {
        int parallelism = Integer.parseInt(arguments[2]);
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(parallelism, new Configuration());
        environment.getConfig().enableObjectReuse();
        // By default every 200 ms, in which a file is read for seconds of event time: first answers would wait for it.
        environment.getConfig().setAutoWatermarkInterval(20);
        FileSource<String> lines =
                FileSource.forRecordStreamFormat(
                                new TextLineInputFormat(), new org.apache.flink.core.fs.Path(arguments[0]))
                        .build();
        environment
                .fromSource(lines, WatermarkStrategy.noWatermarks(), "plays")
                .setParallelism(1)
                .filter(line -> !line.startsWith("played_at"))
                .setParallelism(1)
                .map(WindowPlays::parse, PLAY)
                .setParallelism(1)
                .assignTimestampsAndWatermarks(
                        WatermarkStrategy.<Tuple4<Long, String, String, Integer>>forBoundedOutOfOrderness(
                                        Duration.ofMillis(500))
                                .withTimestampAssigner((play, before) -> play.f0))
                .setParallelism(1)
                .keyBy(play -> play.f2, Types.STRING)
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(1)))
                .aggregate(new Distinct(), new Answer(), TypeInformation.of(Group.class), PAIR, Types.STRING)
                .sinkTo(new Lines(arguments[1]))
                .setParallelism(1);
        environment.execute();
    }

    private static Tuple4<Long, String, String, Integer> parse(String line) {
        int user = line.indexOf(',') + 1;
        int track = line.indexOf(',', user) + 1;
        int city = line.indexOf(',', track) + 1;
        return Tuple4.of(
                Long.parseLong(line, 0, user - 1, 10),
                line.substring(user, track - 1),
                line.substring(track, city - 1),
                Integer.parseInt(line, city, line.length(), 10));
    }

    private static final TypeInformation<Tuple2<Integer, Integer>> PAIR = Types.TUPLE(Types.INT, Types.INT);

    /** Who listened to a track in a window, and where. */
    public static final class Group {
        final HashSet<String> listeners = new HashSet<>(4);
        final HashSet<Integer> cities = new HashSet<>(4);
    }

    private static final class Distinct
            implements AggregateFunction<Tuple4<Long, String, String, Integer>, Group, Tuple2<Integer, Integer>> {
        @Override
        public Group createAccumulator() {
            return new Group();
        }

        @Override
        public Group add(Tuple4<Long, String, String, Integer> play, Group group) {
            group.listeners.add(play.f1);
            group.cities.add(play.f3);
            return group;
        }

        @Override
        public Tuple2<Integer, Integer> getResult(Group group) {
            return Tuple2.of(group.listeners.size(), group.cities.size());
        }

        @Override
        public Group merge(Group one, Group other) {
            one.listeners.addAll(other.listeners);
            one.cities.addAll(other.cities);
            return one;
        }
    }

    private static final class Answer
            extends ProcessWindowFunction<Tuple2<Integer, Integer>, String, String, TimeWindow> {
        @Override
        public void process(
                String track, Context context, Iterable<Tuple2<Integer, Integer>> counts, Collector<String> answers) {
            Tuple2<Integer, Integer> count = counts.iterator().next();
            if (count.f0 > 1 && count.f1 > 1) {
                answers.collect(context.window().getStart() + "," + track + "," + count.f0 + "," + count.f1);
            }
        }
    }

    /** Writes answers to a file. Flink's own sink would show nothing before its first checkpoint. */
    private static final class Lines implements Sink<String> {
        private final String path;

        Lines(String path) {
            this.path = path;
        }

        @Override
        public SinkWriter<String> createWriter(WriterInitContext context) throws IOException {
            BufferedWriter file = Files.newBufferedWriter(Path.of(path));
            return new SinkWriter<>() {
                private boolean isFirst = true;

                @Override
                public void write(String answer, Context moment) throws IOException {
                    if (isFirst) {
                        System.out.println("first");
                        isFirst = false;
                    }
                    file.write(answer);
                    file.write('\n');
                }

                @Override
                public void flush(boolean isEnd) throws IOException {
                    file.flush();
                }

                @Override
                public void close() throws IOException {
                    file.close();
                }
            };
        }
    }
}
